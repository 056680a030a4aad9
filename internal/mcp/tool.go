package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A tool is what an agent can call.
type tool struct {
	sdk.Tool
	schema *jsonschema.Schema // of the arguments
	// call gets the arguments as they came.
	call func(context.Context, Caller, json.RawMessage) (answer, error)
}

// answer is what a tool returns: an object, and pictures after it.
type answer struct {
	value object
	more  []sdk.Content
}

// refusal is why nothing was done, in whole sentences for the agent.
type refusal string

// Error returns the sentences.
func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// reads and acts are the hints of tools that change nothing, and of those that do.
func reads() *sdk.ToolAnnotations {
	return &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, DestructiveHint: new(false), OpenWorldHint: new(false)}
}

// newTool returns a tool whose arguments are the fields of In.
func newTool[In any](name, description string, hints *sdk.ToolAnnotations, do func(context.Context, Caller, In) (answer, error)) tool {
	schema, err := jsonschema.For[In](nil)
	if err != nil {
		panic(fmt.Errorf("the arguments of %s: %w", name, err)) // the type is part of the program
	}
	for _, p := range schema.Properties { // an optional argument is left out, and not null
		if kinds := slices.DeleteFunc(slices.Clone(p.Types), func(t string) bool { return t == "null" }); len(kinds) == 1 {
			p.Type, p.Types = kinds[0], nil
		}
	}
	return tool{
		Tool:   sdk.Tool{Name: name, Description: description, Annotations: hints, InputSchema: schema},
		schema: schema,
		call: func(ctx context.Context, by Caller, raw json.RawMessage) (answer, error) {
			var in In
			if err := readArguments(name, schema, raw, &in); err != nil {
				return answer{}, err
			}
			return do(ctx, by, in)
		},
	}
}

// readArguments reads the arguments of a tool, and says in words what is wrong with them.
func readArguments(name string, schema *jsonschema.Schema, raw json.RawMessage, into any) error {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		raw = json.RawMessage("{}")
	}
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		return refuse("The arguments of %s have to be an object.", name)
	}
	for key := range given {
		if schema.Properties[key] == nil {
			return refuse("%s has no argument %s. %s", name, argument(key), takes(schema))
		}
	}
	for _, key := range schema.Required {
		if v, ok := given[key]; !ok || bytes.Equal(v, []byte("null")) {
			return refuse("%s needs the argument %s. %s", name, argument(key), takes(schema))
		}
	}
	err := json.Unmarshal(raw, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return refuse("The argument %s of %s has to be %s, and is %s.", argument(wrong.Field), name, typeName(wrong.Type), argument(wrong.Value))
	}
	if err != nil {
		return refuse("The arguments of %s cannot be read.", name)
	}
	return nil
}

// argument is a name from outside, short and in quotes.
func argument(name string) string { return fmt.Sprintf("%.40q", name) }

// takes says which arguments there are.
func takes(schema *jsonschema.Schema) string {
	if len(schema.Properties) == 0 {
		return "It takes no arguments."
	}
	var names []string
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return "It takes " + strings.Join(names, ", ") + "."
}

// typeName names a type of JSON.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	}
	return "a " + t.Kind().String()
}
