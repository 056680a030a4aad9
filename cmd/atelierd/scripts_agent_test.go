package main_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptThere asserts what the marketplace has: there WHAT COUNT [TEXT...]. WHAT is
// agents, services, which are those that clients can order, or registrations and
// patches, which are requests. Each TEXT must be in the list as JSON.
func scriptThere(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: there agents|services|registrations|patches count [text...]")
	}
	m := marketOf(ts)
	var list []any
	requests := func(method, suffix string) {
		for _, r := range m.Requests() {
			if r.Method == method && strings.HasSuffix(r.Path, suffix) {
				list = append(list, r)
			}
		}
	}
	switch args[0] {
	case "agents":
		for _, a := range m.Agents() {
			list = append(list, a)
		}
	case "services":
		for _, s := range m.Services() {
			if s.Active {
				list = append(list, s)
			}
		}
	case "registrations":
		requests("POST", "/agents/register")
	case "patches":
		requests("PATCH", "/agents/me")
	default:
		ts.Fatalf("the marketplace has no %s", args[0])
	}
	text, err := json.Marshal(list)
	ts.Check(err)
	if fmt.Sprint(len(list)) != args[1] {
		ts.Fatalf("there are %d %s: %s", len(list), args[0], text)
	}
	for _, want := range args[2:] {
		if !strings.Contains(string(text), want) {
			ts.Fatalf("%s is not in %s", want, text)
		}
	}
}
