package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// mostNames is how many names are told of those that there are.
const mostNames = 12

// among says which of the names was meant, and which there are. It goes on a
// sentence that says that name is none of them.
func among(name string, names []string, show func(string) string) string {
	if len(names) == 0 {
		return ", nor any other"
	}
	shown := make([]string, 0, mostNames)
	for i, n := range names {
		if i == mostNames {
			shown = append(shown, "…")
			break
		}
		shown = append(shown, show(n))
	}
	list := "there are " + strings.Join(shown, ", ")
	if len(names) == 1 {
		list = "there is " + shown[0]
	}
	near := meant(name, names)
	switch {
	case len(near) == 0:
		return "; " + list
	case len(near) == len(names):
		return didYouMean(near, show)
	}
	return didYouMean(near, show) + " " + list
}

// didYouMean asks for one of a few names; it is empty for none.
func didYouMean(names []string, show func(string) string) string {
	if len(names) == 0 {
		return ""
	}
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = show(n)
	}
	return ", did you mean " + strings.Join(shown, " or ") + "?"
}

// bare writes a name of the file as a key; one that TOML would have to quote is
// quoted.
func bare(name string) string { return fmt.Sprintf("%.40s", join("", name)) }

// titled writes a service's title.
func titled(title string) string { return fmt.Sprintf("%.60q", title) }

var serviceKey = regexp.MustCompile(`^service\[(\d+)\]\.`)

// callByTitle names services in what is said of their keys by their titles, which the
// owner knows better than their numbers.
func callByTitle(tree map[string]any, list []Problem) {
	services, _ := tree["service"].([]any)
	for i, p := range list {
		m := serviceKey.FindStringSubmatch(p.Key)
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[1])
		s, _ := services[n].(map[string]any)
		if title, _ := s["title"].(string); strings.TrimSpace(title) != "" {
			list[i].Key = "service " + titled(strings.TrimSpace(title)) + ": " + strings.TrimPrefix(p.Key, m[0])
		}
	}
}
