package console

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// servicesPage is what is sold, and what a sync would change of that.
type servicesPage struct {
	Note     note
	Listed   int
	Differ   int
	ReadAt   time.Time // when the listings were read; zero for never
	Changes  int
	Plan     []plannedService
	Print    string // the fingerprint of the plan
	Services []soldService
}

// plannedService is what a sync would change of a service.
type plannedService struct {
	Title  string
	Create bool
	Why    string
	Fields []changedField
}

// changedField is a field that differs, in parts of text.
type changedField struct {
	Name  string
	Parts []changedPart
	Fixed bool
}

// changedPart is a text that stays, that clients read now, or that is configured.
type changedPart struct {
	Kind string // "", old, new
	Text string
}

// soldService is a row of the list.
type soldService struct {
	view.ServiceState
	State  state
	Facts  []string
	Reason string
	Paused bool
	Pauses bool // it may be paused
}

func (c *console) services(w http.ResponseWriter, v visit) { c.showServices(w, v, v.done()) }

func (c *console) showServices(w http.ResponseWriter, v visit, n note) {
	list, err := c.View.Services(v.Context())
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	plan, err := c.Desk.Plan(v.Context())
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	p := servicesPage{Note: n, ReadAt: plan.ReadAt, Changes: plan.Changes, Print: plan.Fingerprint}
	for _, s := range plan.Plan {
		switch s.Step {
		case enroll.StepCreate:
			why := "not listed"
			if s.Retired {
				why = "retired by you"
			}
			p.Plan = append(p.Plan, plannedService{Title: s.Title, Create: true, Why: why})
		case enroll.StepChange:
			planned := plannedService{Title: s.Title}
			for _, d := range s.Changes {
				planned.Fields = append(planned.Fields, changedField{fieldName(d.Field), changed(fieldValue(d.Field, d.Old), fieldValue(d.Field, d.New)), d.Fixed})
			}
			p.Plan = append(p.Plan, planned)
		}
	}
	for _, s := range list {
		if s.Service.State == string(order.ServiceListed) || s.Service.State == view.ServiceDiffers || s.Service.State == view.ServicePaused {
			p.Listed++
		}
		if len(s.Changes) > 0 {
			p.Differ++
		}
		p.Services = append(p.Services, sold(s))
	}
	c.render(w, v, "services", frame{Title: "Services", Tab: "services", Body: p})
}

// sold is a service as the list shows it.
func sold(s view.ServiceState) soldService {
	row := soldService{ServiceState: s, Paused: s.Pause != nil && s.Pause.Service != "", Reason: s.Reason}
	row.Pauses = s.Service.State != view.ServiceUnconfigured && s.Pause == nil
	row.State = serviceWord(s)
	if s.Service.State == view.ServiceDiffers {
		row.Reason = "" // the plan has it
	}
	if s.Mode != "" {
		row.Facts = append(row.Facts, s.Mode)
	}
	if s.TurnaroundHours > 0 {
		row.Facts = append(row.Facts, fmt.Sprintf("%d h", s.TurnaroundHours))
	}
	row.Facts = append(row.Facts, plural(s.Orders, "order in 30 days", "orders in 30 days"))
	return row
}

// serviceWord is the state of a service, with its shape.
func serviceWord(s view.ServiceState) state {
	switch {
	case s.Flagged != "":
		return state{"bad", "flagged by the marketplace"}
	case s.Pause != nil:
		who := s.Pause.By.Name()
		if who == "" {
			return state{"off", "paused"}
		}
		return state{"off", "paused by " + cut(40, who)}
	}
	switch s.Service.State {
	case string(order.ServiceListed):
		return state{"good", "listed"}
	case view.ServiceDiffers:
		return state{"need", "differs"}
	case view.ServicePaused:
		return state{"need", "generator paused"}
	case string(order.ServiceHeld):
		return state{"bad", "not listed"}
	case view.ServiceUnconfigured:
		return state{"plain", "not in the configuration"}
	case string(order.ServiceRetired):
		return state{"off", "retired by you"}
	case string(order.ServiceDelisted):
		return state{"off", "off the marketplace"}
	}
	return state{"work", "being listed"}
}

// fieldName is a field of a listing in words.
func fieldName(field string) string {
	return strings.ReplaceAll(strings.TrimSuffix(field, "_usd"), "_", " ")
}

func fieldValue(field, value string) string {
	if strings.HasSuffix(field, "_usd") && value != "" {
		return "$" + value
	}
	return value
}

// changed compares two texts by their words: what they have in common at the begin and the
// end stays.
func changed(old, now string) (parts []changedPart) {
	a, b := strings.Fields(old), strings.Fields(now)
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	to := 0
	for to < len(a)-from && to < len(b)-from && a[len(a)-1-to] == b[len(b)-1-to] {
		to++
	}
	add := func(kind string, words []string) {
		if len(words) > 0 {
			parts = append(parts, changedPart{kind, cut(500, strings.Join(words, " "))})
		}
	}
	add("", a[:from])
	add("old", a[from:len(a)-to])
	add("new", b[from:len(b)-to])
	add("", a[len(a)-to:])
	if len(now) == 0 {
		parts = append(parts, changedPart{"new", "(empty)"})
	}
	return parts
}

// compareServices reads the listings at the marketplace.
func (c *console) compareServices(w http.ResponseWriter, v visit) {
	ctx, cancel := asks(w, v)
	defer cancel()
	if err := c.Desk.Compare(ctx, v.actor()); err != nil {
		c.showServices(w, v, refused(err))
		return
	}
	c.seeOther(w, v, "/services", "compare")
}

// syncServices does what the plan says that the page has shown.
func (c *console) syncServices(w http.ResponseWriter, v visit) {
	ctx, cancel := asks(w, v)
	defer cancel()
	err := c.Desk.Sync(ctx, v.actor(), v.PostForm.Get("if"))
	switch {
	case errors.Is(err, ErrOtherPlan):
		c.showServices(w, v, note{Kind: "need", Strong: "Nothing was done.", Text: "The plan has changed since this page was made. Below is what a sync would do now."})
	case err != nil:
		c.showServices(w, v, note{Kind: "bad", Strong: "Not everything was done.", Text: sentence(err.Error())})
	default:
		c.seeOther(w, v, "/services", "sync")
	}
}

// pauseService pauses a service, and resumeService ends that.
func (c *console) pauseService(w http.ResponseWriter, v visit) {
	title, err := c.Owner.Service(v.Context(), v.PostForm.Get("service"))
	if err == nil {
		err = c.Owner.As(v.actor()).Pause(order.Pause{Service: title}, nil)
	}
	c.afterPause(w, v, err, "pause-service")
}

func (c *console) resumeService(w http.ResponseWriter, v visit) {
	title := v.PostForm.Get("service")
	err := c.Owner.As(v.actor()).Resume(title)
	if title == "" {
		err = errors.New("no service is named")
	}
	if errors.Is(err, store.ErrNotPaused) {
		c.showServices(w, v, note{Kind: "need", Strong: "Nothing was done.", Text: "It is not paused any more."})
		return
	}
	c.afterPause(w, v, err, "resume-service")
}

func (c *console) afterPause(w http.ResponseWriter, v visit, err error, act string) {
	if err != nil {
		c.showServices(w, v, refused(err))
		return
	}
	c.Wake()
	c.seeOther(w, v, "/services", act)
}
