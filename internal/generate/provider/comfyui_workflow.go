package provider

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mostReferences is the highest number of a reference in a workflow.
const mostReferences = 9

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// parseWorkflow reads a workflow in API format. Numbers stay as they are written,
// because a seed may have more digits than a float holds.
func parseWorkflow(text []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("workflow is missing")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var workflow map[string]any
	if err := dec.Decode(&workflow); err != nil {
		return nil, fmt.Errorf("the workflow is not a JSON object: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text follows the workflow's closing brace")
	}
	if len(workflow) == 0 {
		return nil, errors.New("the workflow has no nodes")
	}
	if _, ok := workflow["nodes"].([]any); ok {
		return nil, errors.New("the workflow is not in API format: export it from ComfyUI with Export (API)")
	}
	for _, id := range slices.SortedFunc(maps.Keys(workflow), byNumber) {
		node, _ := workflow[id].(map[string]any)
		if class, _ := node["class_type"].(string); class == "" {
			return nil, fmt.Errorf("the workflow's node %.40q has no class_type: export it from ComfyUI with Export (API)", id)
		}
	}
	return workflow, nil
}

// findPlaceholders adds the names that the texts of v use.
func findPlaceholders(v any, used map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			findPlaceholders(inner, used)
		}
	case []any:
		for _, inner := range v {
			findPlaceholders(inner, used)
		}
	case string:
		for _, match := range placeholder.FindAllStringSubmatch(v, -1) {
			used[match[1]] = true
		}
	}
}

// fill returns a copy of v with values in place of the placeholders. Placeholders in
// a value are left alone, because it may be a stranger's text.
func fill(v any, values map[string]any) any {
	switch v := v.(type) {
	case map[string]any:
		filled := make(map[string]any, len(v))
		for name, inner := range v {
			filled[name] = fill(inner, values)
		}
		return filled
	case []any:
		filled := make([]any, len(v))
		for i, inner := range v {
			filled[i] = fill(inner, values)
		}
		return filled
	case string:
		if match := placeholder.FindStringSubmatch(v); match != nil && match[0] == v {
			return values[match[1]]
		}
		return placeholder.ReplaceAllStringFunc(v, func(found string) string {
			return fmt.Sprint(values[placeholder.FindStringSubmatch(found)[1]])
		})
	}
	return v
}

// referenceNumber returns the N of reference_N, or 0.
func referenceNumber(name string) int {
	for n := 1; n <= mostReferences; n++ {
		if name == fmt.Sprintf("reference_%d", n) {
			return n
		}
	}
	return 0
}

// seedOf returns the seed of a call, the same when the call is repeated. It has 32
// bits because some nodes take no more.
func seedOf(key string) uint32 {
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint32(sum[:])
}

// byNumber orders the ids of nodes: 2, 10, 10:1.
func byNumber(a, b string) int { return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b)) }

func number(id string) int {
	head, _, _ := strings.Cut(id, ":")
	if n, err := strconv.Atoi(head); err == nil {
		return n
	}
	return math.MaxInt
}
