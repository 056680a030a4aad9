package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// mostNames is the maximum number of names in a list of candidates.
const mostNames = 12

// among returns the end of a sentence that says that a name does not exist: the
// names that were probably meant, and those that exist.
func among(name string, names []string, show func(string) string) string {
	if len(names) == 0 {
		return "; there are none"
	}
	shown := make([]string, 0, mostNames)
	for i, n := range names {
		if i == mostNames {
			shown = append(shown, "…")
			break
		}
		shown = append(shown, show(n))
	}
	list := "the file has " + strings.Join(shown, ", ")
	near := meant(name, names)
	switch {
	case len(near) == 0:
		return "; " + list
	case len(near) == len(names):
		return didYouMean(near, show)
	}
	return didYouMean(near, show) + " " + list
}

// didYouMean returns a question that offers the names, or "" without any.
func didYouMean(names []string, show func(string) string) string {
	if len(names) == 0 {
		return ""
	}
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = show(n)
	}
	return "; did you mean " + strings.Join(shown, " or ") + "?"
}

// bare formats a name of the file as a key. It is quoted if TOML needs that.
func bare(name string) string { return fmt.Sprintf("%.40s", join("", name)) }

// titled formats the title of a service.
func titled(title string) string { return fmt.Sprintf("%.60q", title) }

var serviceKey = regexp.MustCompile(`^service\[(\d+)\]\.`)

// callByTitle replaces the index of a service in the keys of problems with its
// title, which the owner recognises.
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
