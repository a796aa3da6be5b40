package vm

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
)

//go:embed probe/lacks.py
var lacksScript string

// Lacks gives those of the modules that the interpreter cannot find, in their
// order. It runs the interpreter outside of any sandbox, as the probe does:
// the names are the operator's.
func (i Interpreter) Lacks(ctx context.Context, modules []string, opt Options) ([]string, error) {
	p := process{
		path: i.Executable, argv: i.command(lacksScript, slices.Concat(i.Path, []string{"--"}, modules)...),
		env: environment(), dir: "/",
	}
	out, err := p.run(ctx, opt.timeout())
	var answer struct {
		Lacks []string `json:"lacks"`
	}
	if err == nil {
		err = decodeAnswer(out, &answer)
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s for modules: %w", i.Executable, err)
	}
	return slices.DeleteFunc(slices.Clone(modules), func(m string) bool { return !slices.Contains(answer.Lacks, m) }), nil
}
