package syscallpolicy

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// maxAdvice is how long a target can be that is worth repeating in advice.
const maxAdvice = 200

// Advice says in one line what would allow an operation that d refused. It
// may be shown to the model and on a terminal: all in it is printable, and
// what it tells to type is quoted for a shell. It is empty when d did not
// refuse.
func (p Policy) Advice(op Operation, d Decision) string {
	if !d.Refuses() {
		return ""
	}
	if d.Rule != byDefault && d.Rule != "" && d.Effect != Ask {
		return fmt.Sprintf("%s decided so: change it there", d.Rule)
	}
	if why := op.Kind.impossible(); why != "" {
		return "no rule can allow it: " + why
	}
	rule, err := allowRule(op)
	if err != nil {
		return "no rule can allow it: " + err.Error()
	}
	words := inlineRule(rule)
	switch {
	case len(op.Target) > maxAdvice || !printable(op.Target):
		return "its name is too long or too odd to repeat; --learn FILE shows what could allow it"
	case op.Kind == KindImport:
		return fmt.Sprintf("add it to [modules] allow in the policy, or give --module %s", op.Target)
	case op.Kind == KindConnect || op.Kind == KindCall:
		return "allow it in the policy: " + words
	}
	return fmt.Sprintf("allow it with --%s %s, or in the policy: %s", pathFlag(op), shellQuote(op.Target), words)
}

// AllowLines gives the lines of a policy file that would allow op.
func (p Policy) AllowLines(op Operation) (string, error) {
	if why := op.Kind.impossible(); why != "" {
		return "", fmt.Errorf("no rule can allow it: %s", why)
	}
	rule, err := allowRule(op)
	if err != nil {
		return "", err
	}
	if op.Kind == KindImport {
		text, err := toml.Marshal(tomlDocument{Modules: &tomlModules{Allow: []string{op.Target}}})
		return string(text), err
	}
	return encodeRules(rule)
}

func pathFlag(op Operation) string {
	if op.Write || namingKinds.Has(op.Kind) {
		return "write"
	}
	return "read"
}

// allowRule gives the narrowest rule that allows op, checked as if it came
// out of a file.
func allowRule(op Operation) (Rule, error) {
	r := Rule{Kinds: KindsOf(op.Kind), Target: op.Target, Effect: Allow, Origin: "advice"}
	r.Write = op.Write && (op.Kind == KindOpen || op.Kind == KindList)
	switch op.Kind.Subject() {
	case "path":
		if !cleanPath(op.Target) {
			return r, fmt.Errorf("%s is no absolute path in its shortest form", clipped(op.Target))
		}
		r.Target = EscapePattern(op.Target)
	case "address":
		host, port, err := net.SplitHostPort(op.Target)
		if err != nil || strings.Contains(host, "*") {
			return r, fmt.Errorf("%s is no host and port", clipped(op.Target))
		}
		if n, err := strconv.Atoi(port); err != nil || n <= 0 {
			return r, fmt.Errorf("%s has no port", clipped(op.Target))
		}
	default:
		if strings.ContainsAny(op.Target, special) {
			return r, fmt.Errorf("%s is no name", clipped(op.Target))
		}
	}
	_, err := r.compile(fromFile, nil)
	return r, err
}

// clipped quotes a target for a message.
func clipped(target string) string {
	if len(target) > maxAdvice {
		return fmt.Sprintf("%+q...", target[:maxAdvice])
	}
	return fmt.Sprintf("%+q", target)
}

// printable tells text that means what it shows: valid, and without
// characters that cannot be seen or turn others around.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }) < 0
}

// plain tells text that a policy file can carry so that a reader sees all of
// it: control characters are escaped there, other unseen ones are not.
func plain(s string) bool {
	visible := func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}
	return utf8.ValidString(s) && printable(strings.Map(visible, s))
}

// shellQuote makes one word of a POSIX shell out of printable text.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, wordCharacters+"/.,:+-@%=") == "" && s[0] != '-' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
