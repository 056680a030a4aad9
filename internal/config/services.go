package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"atelierd/internal/generate/provider"
	"atelierd/internal/media"
	"atelierd/internal/prompt"
)

// services reads the list at key, and sees that services and generators fit.
func (t *table) services(key string, generators map[string]Generator) []Service {
	var services []Service
	titles := map[string]*table{}
	used := map[string]bool{}
	for _, sub := range t.subs(key) {
		s := sub.service(generators)
		services = append(services, s)
		used[s.Generator] = true
		// Services are matched by title, so two alike could not be told apart.
		folded := strings.ToLower(s.Title)
		if first := titles[folded]; first != nil && folded != "" {
			sub.problem(sub.at("title"), "is the title of the service on line %d too", first.line(first.at("title")))
		} else {
			titles[folded] = sub
		}
	}
	if !t.has(key) {
		t.warn(key, "there is no [[service]]: every order would be held")
	}
	for _, g := range generators {
		for _, name := range g.Fallback {
			used[name] = true
		}
	}
	for name := range maps.Keys(generators) {
		if !used[name] {
			t.warn(join("generator", name), "is used by no service")
		}
	}
	return services
}

// service checks what the marketplace's guide limits of a service.
func (t *table) service(generators map[string]Generator) Service {
	defer t.done()
	s := Service{
		Title:           t.length("title", 3, 100),
		Description:     t.length("description", 10, 1000),
		Category:        t.oneOf("category", "", capabilities...),
		Price:           t.price("price_usd"),
		PriceType:       t.oneOf("price_type", "fixed", "fixed", "quote", "weekly", "monthly"),
		TurnaroundHours: t.number("turnaround_hours", 24, 1, 8760),
		Deliverables:    t.list("deliverables"),
		DemoURL:         t.address("demo_url", ""),
		QuotaLimit:      t.number("quota_limit", 0, 0, 1_000_000),
		Generator:       t.required("generator"),
		Mode:            t.oneOf("mode", ModeAuto, ModeAuto, ModeReview, ModeDryRun),
	}
	for i, d := range s.Deliverables {
		if strings.TrimSpace(d) == "" {
			t.problem(element(t.at("deliverables"), i), "must not be empty")
		}
	}
	if n := t.number("max_revisions", 0, 0, 1000); t.has("max_revisions") {
		s.MaxRevisions = &n
	}
	if n := utf8.RuneCountInString(s.Description); n >= 10 && n < 40 {
		t.warn(t.at("description"), "has %d characters: the deployed marketplace wants 40, though its guide says 10", n)
	}
	if t.has("quota_limit") && s.PriceType != "weekly" && s.PriceType != "monthly" {
		t.problem(t.at("quota_limit"), "is for price_type weekly and monthly only")
	}
	if t.has("quote") {
		s.Quote = t.sub("quote").quote()
		if s.PriceType != "quote" {
			t.problem(t.at("quote"), "is for price_type quote only")
		}
	}
	if t.has("window") {
		s.Pieces = t.oneOf("window", "", "messages") == "messages"
		if s.PriceType != "weekly" && s.PriceType != "monthly" {
			t.problem(t.at("window"), "is for price_type weekly and monthly only")
		}
	}
	t.known = append(t.known, "quote", "window")
	if _, there := generators[s.Generator]; !there {
		t.problem(t.at("generator"), "%s", noGenerator(s.Generator, slices.Sorted(maps.Keys(generators))))
	}
	switch s.Category {
	case "image_gen":
		s.Kind = KindImage
	case "video_gen":
		s.Kind = KindVideo
	}
	if t.has("kind") {
		s.Kind = t.oneOf("kind", "", KindImage, KindVideo, KindDocument, KindText, KindCode, KindLink)
	}
	t.known = append(t.known, "kind")
	t.fits(s, generators)
	t.promise(&s)
	return s
}

// fits warns of a generator whose files the service would refuse, one that stands
// in as well.
func (t *table) fits(s Service, generators map[string]Generator) {
	for _, name := range append([]string{s.Generator}, generators[s.Generator].Fallback...) {
		g := generators[name]
		if s.Kind == "" || g.Makes == "" || g.Makes == s.Kind {
			continue
		}
		only, advice := " only", ""
		if needs, _ := provider.TypeOf(g.Type); slices.Contains(needs.Makes, s.Kind) {
			only, advice = "", fmt.Sprintf("; set makes = %q there", s.Kind)
		}
		t.warn(t.at("generator"), "[generator.%s] makes %ss%s, the service promises %s%s", bare(name), g.Makes, only, promised[s.Kind], advice)
	}
}

var promised = map[string]string{KindImage: "an image", KindVideo: "a video", KindDocument: "a document",
	KindText: "a text", KindCode: "code", KindLink: "a link"}

// promise reads what the files have to be, and how the wish is put into words.
func (t *table) promise(s *Service) {
	s.Files = t.number("files", 0, 1, 20)
	s.Repeats, _ = value[bool](t, "repeats", "a boolean")
	s.MinWidth, s.MinHeight = t.number("min_width", 0, 1, 65535), t.number("min_height", 0, 1, 65535)
	s.MinDuration = t.duration("min_duration", 0, time.Second, time.Hour)
	s.MaxDuration = t.duration("max_duration", 0, time.Second, time.Hour)
	s.FromLast = t.oneOf("revise", "fresh", "fresh", "last") == "last"
	s.Check = t.list("check")
	if len(s.Check) > 0 && s.Check[0] == "" {
		t.problem(t.at("check"), "must name a program, or be left out")
	}
	var err error
	if aspect := t.text("aspect", ""); aspect != "" {
		if s.AspectW, s.AspectH, err = media.ParseAspect(aspect); err != nil {
			t.problem(t.at("aspect"), `must be a ratio such as "16:9", is %.40q`, aspect)
		}
	}
	if text := t.text("prompt", ""); t.has("prompt") {
		if s.Prompt, err = prompt.Parse(text); err != nil {
			t.template("prompt", text, prompt.Data{}, err)
		}
	}
	if s.MaxDuration > 0 && s.MinDuration > s.MaxDuration {
		t.problem(t.at("max_duration"), "is below min_duration")
	}
	if s.Kind != KindVideo {
		for _, key := range []string{"min_duration", "max_duration"} {
			if t.has(key) {
				t.problem(t.at(key), "is for kind video only")
			}
		}
	}
}

// environment checks entries NAME and NAME=value. They may hold secrets: no
// more than a well-formed name of them is shown.
func (t *table) environment(env []string) {
	for i, entry := range env {
		at := element(t.at("env"), i)
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case !variable.MatchString(name):
			t.problem(at, "must be NAME or NAME=value")
		case strings.EqualFold(name, "ATELIER_API_KEY"):
			t.problem(at, "must not be ATELIER_API_KEY: no generator may see it")
		case slices.Contains([]string{"ATELIER_ORDER_ID", "ATTEMPT", "ROUND", "OUTPUT_DIR"}, name):
			t.problem(at, "must not be %s: the daemon sets it for each run", name)
		case strings.ContainsRune(value, 0):
			t.problem(at, "must not contain a NUL byte")
		}
	}
}
