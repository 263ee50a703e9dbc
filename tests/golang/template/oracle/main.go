// Renders templates with Go's own text/template and records what came out.
//
// It reads {"data": …, "cases": [{"template": …, "missing": …}, …]} from standard input and writes the same with an
// "output" or an "error" in each case. With "sprig": true, Sprig's functions are there; those of this file always
// are, and the tests have them in Python too.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
)

type testCase struct {
	Template   string   `json:"template"`
	Missing    string   `json:"missing,omitempty"`
	Delimiters []string `json:"delimiters,omitempty"`
	Output     *string  `json:"output,omitempty"`
	Error      string   `json:"error,omitempty"`
}

type record struct {
	Sprig bool       `json:"sprig,omitempty"`
	Data  any        `json:"data"`
	Cases []testCase `json:"cases"`
}

// tool is an object with methods, as the functions atmos and strings return one.
type tool struct{}

func (*tool) Name() string            { return "tool" }
func (*tool) Join(a, b string) string { return a + "-" + b }
func (*tool) Table(key string) map[string]any {
	return map[string]any{key: map[string]any{"deep": key}}
}
func (*tool) Count(first int, rest ...any) int { return first + len(rest) }

var functions = template.FuncMap{
	"textOf":   func(s string) string { return "<" + s + ">" },
	"twice":    func(n int) int { return 2 * n },
	"half":     func(f float64) float64 { return f / 2 },
	"flag":     func(b bool) bool { return !b },
	"size":     func(m map[string]any) int { return len(m) },
	"show":     func(v any) string { return fmt.Sprintf("%v", v) },
	"spread":   func(first string, rest ...any) string { return first + fmt.Sprint(rest...) },
	"fails":    func(s string) (string, error) { return "", errors.New("refused " + s) },
	"nothing":  func() any { return nil },
	"constant": func() string { return "constant" },
	"object":   func() *tool { return &tool{} },
}

// typed makes integral numbers int and the others float64, as yaml.v3 does.
func typed(value any) any {
	switch v := value.(type) {
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			if n, err := v.Int64(); err == nil {
				return int(n)
			}
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = typed(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = typed(v[k])
		}
	}
	return value
}

func (c *testCase) run(data any, withSprig bool) {
	t := template.New("case").Funcs(functions)
	if withSprig {
		t.Funcs(sprig.TxtFuncMap())
	}
	if c.Missing == "" {
		t.Option("missingkey=error")
	} else {
		t.Option("missingkey=" + c.Missing)
	}
	if c.Delimiters != nil {
		t.Delims(c.Delimiters[0], c.Delimiters[1])
	}
	c.Output, c.Error = nil, ""
	var out bytes.Buffer
	t, err := t.Parse(c.Template)
	if err == nil {
		err = t.Execute(&out, data)
	}
	if err != nil {
		c.Error = err.Error()
		return
	}
	text := out.String()
	c.Output = &text
}

func main() {
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	var all record
	if err := decoder.Decode(&all); err != nil {
		panic(err)
	}
	original, err := json.Marshal(all.Data)
	if err != nil {
		panic(err)
	}
	for i := range all.Cases {
		fresh := json.NewDecoder(bytes.NewReader(original))
		fresh.UseNumber()
		var data any
		if err := fresh.Decode(&data); err != nil {
			panic(err)
		}
		all.Cases[i].run(typed(data), all.Sprig)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(all); err != nil {
		panic(err)
	}
}
