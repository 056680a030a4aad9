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
	"atelierd/internal/order"
	"atelierd/internal/prompt"
)

// services reads the list at key and checks that services and generators fit.
func (t *table) services(key string, generators map[string]Generator) []Service {
	var services []Service
	titles := map[string]*table{}
	used := map[string]bool{}
	for _, sub := range t.subs(key) {
		s := sub.service(generators)
		services = append(services, s)
		used[s.Generator] = true
		// Orders are matched to services by title, so titles must differ.
		folded := strings.ToLower(order.NormalTitle(s.Title))
		if first := titles[folded]; first != nil && folded != "" {
			sub.problem(sub.at("title"), "is also the title of the service on line %d; write another", first.line(first.at("title")))
		} else {
			titles[folded] = sub
		}
	}
	if !t.has(key) {
		t.warn(key, "there is no [[service]], so every order would be held; add one")
	}
	for _, g := range generators {
		for _, name := range g.Fallback {
			used[name] = true
		}
	}
	for name := range maps.Keys(generators) {
		if !used[name] {
			t.warn(join("generator", name), "is not used by any service; name it as the generator of a [[service]], or remove it")
		}
	}
	return services
}

// service checks the limits that the marketplace's guide sets for a service.
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
		Generator:       t.required("generator", "the NAME of a [generator.NAME]"),
		Mode:            t.oneOf("mode", ModeAuto, ModeAuto, ModeReview, ModeDryRun),
		Storage:         t.text("storage", ""),
	}
	for i, d := range s.Deliverables {
		if strings.TrimSpace(d) == "" {
			t.problem(element(t.at("deliverables"), i), "is empty; write what the client gets, or remove it")
		}
	}
	s.MaxRevisions = t.number("max_revisions", 3, 0, 10)
	s.Questions = t.questions("requirement_fields")
	if n := utf8.RuneCountInString(s.Description); n >= 10 && n < 40 {
		t.warn(t.at("description"), "has %d characters, but the deployed marketplace wants 40 (its guide says 10); write 40 or more", n)
	}
	if t.has("storage") {
		s.Storage = t.oneOf("storage", "", storageOwn, StorageMarketplace)
	}
	t.priceTypes(&s)
	if _, there := generators[s.Generator]; !there {
		t.problem(t.at("generator"), "%s", noGenerator(s.Generator, slices.Sorted(maps.Keys(generators))))
	}
	s.Kind = t.kind(s.Category)
	t.fits(s, generators)
	t.requirements(&s)
	t.assist(&s)
	return s
}

// maxMargin is the largest window_margin. The marketplace completes an order 48 hours
// after its delivery, and a client may ask for pieces until the end of the window.
const maxMargin = 36 * time.Hour

// priceTypes reads the keys that belong to one price type only.
func (t *table) priceTypes(s *Service) {
	subscription := s.PriceType == "weekly" || s.PriceType == "monthly"
	if t.has("quota_limit") && !subscription {
		t.problem(t.at("quota_limit"), "is for price_type weekly and monthly only; remove it")
	}
	if t.has("quote") {
		s.Quote = t.sub("quote").quote(slices.Contains(t.list("assist"), AssistQuote))
		if s.PriceType != "quote" {
			t.problem(t.at("quote"), "is for price_type quote only; remove it")
		}
	}
	if t.has("window") {
		s.Pieces = t.oneOf("window", "", "messages") == "messages"
		if !subscription {
			t.problem(t.at("window"), "is for price_type weekly and monthly only; remove it")
		}
	}
	s.WindowMargin = t.duration("window_margin", 0, time.Minute, maxMargin)
	if t.has("window_margin") && !s.Pieces {
		t.problem(t.at("window_margin"), `is for window = "messages" only; remove it`)
	}
	t.known = append(t.known, "quote", "window")
}

// kind returns the kind of the service's files, which some categories imply.
func (t *table) kind(category string) string {
	t.known = append(t.known, "kind")
	switch {
	case t.has("kind"):
		return t.oneOf("kind", "", KindImage, KindVideo, KindDocument, KindText, KindCode, KindLink)
	case category == "image_gen":
		return KindImage
	case category == "video_gen":
		return KindVideo
	}
	return ""
}

// fits warns if the service would refuse the files of its generator or of a
// fallback.
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
		t.warn(t.at("generator"), "[generator.%s] makes %ss%s, but the service delivers %s%s", bare(name), g.Makes, only, kindNames[s.Kind], advice)
	}
}

var kindNames = map[string]string{
	KindImage: "an image", KindVideo: "a video", KindDocument: "a document",
	KindText: "a text", KindCode: "code", KindLink: "a link",
}

// requirements reads what the files have to be and how the prompt is built.
func (t *table) requirements(s *Service) {
	s.Files = t.number("files", 0, 1, 20)
	s.Repeats, _ = value[bool](t, "repeats", "a boolean")
	s.MinWidth, s.MinHeight = t.number("min_width", 0, 1, 65535), t.number("min_height", 0, 1, 65535)
	s.MinDuration = t.duration("min_duration", 0, time.Second, time.Hour)
	s.MaxDuration = t.duration("max_duration", 0, time.Second, time.Hour)
	s.FromLast = t.oneOf("revise", "fresh", "fresh", "last") == "last"
	s.Check = t.list("check")
	if len(s.Check) > 0 && s.Check[0] == "" {
		t.problem(t.at("check"), "names no program; write one, or remove the key")
	}
	var err error
	if aspect := t.text("aspect", ""); aspect != "" {
		if s.AspectW, s.AspectH, err = media.ParseAspect(aspect); err != nil {
			t.problem(t.at("aspect"), `%.40q is not a ratio; write one like "16:9"`, aspect)
		}
	}
	if text := t.text("prompt", ""); t.has("prompt") {
		if s.Prompt, err = prompt.Parse(text); err != nil {
			t.template("prompt", text, prompt.Data{}, err)
		}
	}
	if s.MaxDuration > 0 && s.MinDuration > s.MaxDuration {
		t.problem(t.at("max_duration"), "is below min_duration; raise it, or lower min_duration")
	}
	if s.Kind != KindVideo {
		for _, key := range []string{"min_duration", "max_duration"} {
			if t.has(key) {
				t.problem(t.at(key), "is for kind video only; remove it")
			}
		}
	}
}

// environment checks entries NAME and NAME=value. A value may be a secret, so a
// problem shows nothing but a valid name.
func (t *table) environment(env []string) {
	for i, entry := range env {
		at := element(t.at("env"), i)
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case !variable.MatchString(name):
			t.problem(at, "has no valid name; write NAME or NAME=value")
		case strings.EqualFold(name, "ATELIER_API_KEY"):
			t.problem(at, "passes on ATELIER_API_KEY, which no generator may see; remove it")
		case slices.Contains([]string{"ATELIER_ORDER_ID", "ATTEMPT", "ROUND", "OUTPUT_DIR"}, name):
			t.problem(at, "sets %s, which the daemon sets for each run; use another name", name)
		case strings.ContainsRune(value, 0):
			t.problem(at, "contains a NUL byte; remove it")
		}
	}
}
