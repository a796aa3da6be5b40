package child

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The package comment is where a reader learns the steps: it names the ones
// that the code takes, in their order.
func TestStepsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(doc), "# Steps")
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z]+) {2,}`).FindAllStringSubmatch(list, -1) {
		documented = append(documented, m[1])
	}
	var taken []string
	for _, s := range steps {
		taken = append(taken, s.name)
	}
	if got, want := strings.Join(documented, " "), strings.Join(taken, " "); got != want {
		t.Errorf("doc.go names the steps %s; want %s", got, want)
	}
}
