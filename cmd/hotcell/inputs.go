package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"hotcell/cmd/hotcell/arrayfile"
	"hotcell/ipc"
	"hotcell/supervisor"
)

// readInputs turns NAME=VALUE arguments into inputs and tells whether there
// are arrays among them. Inputs read so far come with an error too, to be
// closed.
func readInputs(args []string) (inputs []supervisor.Input, arrays bool, err error) {
	seen := map[string]bool{}
	for _, text := range args {
		arg, err := arrayfile.ParseArg(text)
		if err != nil {
			return inputs, arrays, err
		}
		if seen[arg.Name] {
			return inputs, arrays, badInput("input %s is given twice", arg.Name)
		}
		seen[arg.Name] = true
		in, err := readInput(arg)
		if err != nil {
			return inputs, arrays, err
		}
		arrays = arrays || in.Region != nil
		inputs = append(inputs, in)
	}
	return inputs, arrays, nil
}

func readInput(arg arrayfile.Arg) (supervisor.Input, error) {
	if arg.File == nil {
		value, err := wireValue(arg.Value)
		if err != nil {
			return supervisor.Input{}, badInput("input %s: %v", arg.Name, err)
		}
		return supervisor.Input{Name: arg.Name, Value: value}, nil
	}
	in, err := arrayfile.Load(*arg.File)
	if err != nil {
		return supervisor.Input{}, err
	}
	return supervisor.ArrayInput(arg.Name, in.Ref, in.Region), nil
}

// wireValue turns a parsed literal into a value of the wire.
func wireValue(v any) (ipc.Value, error) {
	switch v := v.(type) {
	case nil:
		return ipc.Value{Kind: ipc.KindNone}, nil
	case bool:
		return ipc.Value{Kind: ipc.KindBool, Bool: v}, nil
	case string:
		return ipc.Value{Kind: ipc.KindText, Text: v}, nil
	case json.Number:
		return wireNumber(string(v))
	case []any:
		list := ipc.Value{Kind: ipc.KindList}
		for _, item := range v {
			value, err := wireValue(item)
			if err != nil {
				return value, err
			}
			list.List = append(list.List, value)
		}
		return list, nil
	case arrayfile.Object:
		dict := ipc.Value{Kind: ipc.KindDict}
		for _, member := range v {
			value, err := wireValue(member.Value)
			if err != nil {
				return value, err
			}
			dict.Dict = append(dict.Dict, ipc.Arg{Name: member.Name, Value: value})
		}
		return dict, nil
	}
	return ipc.Value{}, fmt.Errorf("no wire form for %T", v)
}

// wireNumber keeps integers whole, as Python's json does.
func wireNumber(text string) (ipc.Value, error) {
	if !strings.ContainsAny(text, ".eE") {
		n, ok := new(big.Int).SetString(text, 10)
		if !ok || n.BitLen() > maxIntBits {
			return ipc.Value{}, fmt.Errorf("an integer of %d digits is too long", len(text))
		}
		return ipc.Value{Kind: ipc.KindInt, Int: n}, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return ipc.Value{}, fmt.Errorf("%s does not fit into a float64", text)
	}
	return ipc.Value{Kind: ipc.KindFloat, Float: f}, nil
}

// maxIntBits is what the wire carries.
const maxIntBits = 8 * 32 << 10
