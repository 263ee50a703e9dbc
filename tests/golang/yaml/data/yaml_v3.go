// Records what gopkg.in/yaml.v3 makes of YAML documents, for test_dialect.py.
//
// Each input line is a document as a JSON string; each output line is a JSON object with "text" and "value" or "error".
//
//	go run yaml_v3.go < documents.jsonl > yaml_v3.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"

	yaml "gopkg.in/yaml.v3"
)

// shown gives a value with the name of its type, which JSON does not keep.
func shown(v any) any {
	switch x := v.(type) {
	case nil:
		return map[string]any{"null": true}
	case bool:
		return map[string]any{"bool": x}
	case int, int64, uint64, uint:
		return map[string]any{"int": fmt.Sprint(x)}
	case float64:
		if math.IsNaN(x) {
			return map[string]any{"float": "nan"}
		}
		return map[string]any{"float": fmt.Sprint(x)}
	case string:
		return map[string]any{"str": x}
	case []any:
		out := []any{}
		for _, i := range x {
			out = append(out, shown(i))
		}
		return map[string]any{"list": out}
	case map[string]any:
		out := map[string]any{}
		for k, i := range x {
			out[k] = shown(i)
		}
		return map[string]any{"map": out}
	case map[any]any:
		out := map[string]any{}
		for k, i := range x {
			out[fmt.Sprint(k)] = shown(i)
		}
		return map[string]any{"map": out}
	}
	return map[string]any{"other": fmt.Sprintf("%T", v)}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var text string
		if err := json.Unmarshal(in.Bytes(), &text); err != nil {
			panic(err)
		}
		var value any
		record := map[string]any{"text": text}
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			record["error"] = err.Error()
		} else {
			record["value"] = shown(value)
		}
		if err := out.Encode(record); err != nil {
			panic(err)
		}
	}
}
