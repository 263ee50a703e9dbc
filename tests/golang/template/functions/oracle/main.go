// Records what Go's yaml.v3 writes (as gomplate's data.ToYAML calls it), and the names of Sprig's functions.
//
// It reads a JSON list of values from standard input:
//
//	GO111MODULE=off GOPATH=… go run main.go < values.json > ../yaml_golden.json
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"sort"
	"strings"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type written struct {
	Value any    `json:"value"`
	Text  string `json:"text"`
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

func main() {
	var raw []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&raw); err != nil {
		panic(err)
	}
	names := []string{}
	for name := range sprig.TxtFuncMap() {
		names = append(names, name)
	}
	sort.Strings(names)
	all := []written{}
	for _, one := range raw {
		decoder := json.NewDecoder(bytes.NewReader(one))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			panic(err)
		}
		var text bytes.Buffer
		encoder := yaml.NewEncoder(&text)
		encoder.SetIndent(2)
		if err := encoder.Encode(typed(value)); err != nil {
			panic(err)
		}
		if err := encoder.Close(); err != nil {
			panic(err)
		}
		all = append(all, written{one, text.String()})
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(map[string]any{"sprig": names, "yaml": all}); err != nil {
		panic(err)
	}
}
