package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// TestASyncOfTheConsoleDoesWhatItsPageHasShown guards the plan: a button that was made for
// another one changes nothing, nor does one that the marketplace does not answer.
func TestASyncOfTheConsoleDoesWhatItsPageHasShown(t *testing.T) {
	t.Parallel()
	d := newAtDesk(t)
	price := func(n order.USD) func(*config.Service) {
		return func(s *config.Service) { s.Price = n * order.Dollar }
	}
	d.sell(price(7))
	d.open("/services")
	d.market.SetDown(true)
	d.press("/services/compare")
	d.shows("Nothing was done.")
	d.market.SetDown(false)
	d.press("/services/compare")
	d.shows("Compared.", "A sync would change 1 listing", "$7.00")
	if d.at().PriceUSD != "5.00" {
		t.Fatalf("looking has changed the price to %s", d.at().PriceUSD)
	}

	shown := d.form("/services/sync")
	d.sell(price(9))
	d.send(http.MethodPost, "/services/sync", shown)
	d.shows("Nothing was done.", "The plan has changed", "$9.00")
	if d.at().PriceUSD != "5.00" {
		t.Errorf("a plan that nobody has seen was done: the price is %s", d.at().PriceUSD)
	}
	d.market.SetDown(true)
	d.press("/services/sync")
	d.shows("Not everything was done.", "$9.00")
	d.market.SetDown(false)
	d.noted("service change: Pictures", 0)
	d.press("/services/sync")
	d.shows("The marketplace lists what the plan said.")
	if d.at().PriceUSD != "9.00" || strings.Contains(d.page, "/services/sync") {
		t.Errorf("after the sync the price is %s", d.at().PriceUSD)
	}
	d.noted("service change: Pictures", 1)
	d.send(http.MethodPost, "/services/sync", shown)
	d.shows("The plan has changed")
}

func TestASyncThatHalfTheMarketplaceAnswersSaysSo(t *testing.T) {
	t.Parallel()
	d := newAtDesk(t)
	d.sell(func(s *config.Service) { s.Price = 8 * order.Dollar })
	d.open("/services")
	d.press("/services/compare")
	d.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
		if r.Method == http.MethodPatch {
			return sandbox.Fault{After: http.StatusInternalServerError}
		}
		return sandbox.Fault{}
	}})
	d.press("/services/sync")
	d.shows("Not everything was done.")
	if strings.Contains(d.page, "/services/sync") {
		t.Error("the page shows a plan, although the change had arrived")
	}
	if d.at().PriceUSD != "8.00" {
		t.Errorf("the price is %s", d.at().PriceUSD)
	}
}

// TestAServiceIsPausedAtTheConsole guards that nothing is begun until it is resumed, and that
// the marketplace has no part in it.
func TestAServiceIsPausedAtTheConsole(t *testing.T) {
	t.Parallel()
	d := newAtDesk(t)
	d.open("/services")
	d.market.SetDown(true)
	d.press("/services/pause")
	d.shows("Paused.", "paused by jo")
	d.market.SetDown(false)
	id, err := d.market.PlaceOrder(sandbox.NewOrder{Brief: "a red fox"})
	if err != nil {
		t.Fatal(err)
	}
	d.until("the order waits", func() bool {
		h, err := d.app.store.History(t.Context(), id)
		return err == nil && len(h.Works) == 1 && h.Works[0].Code == order.CodePausedByOwner
	})
	d.press("/services/resume")
	d.shows("Resumed.")
	if d.form("/services/pause").Get("service") != "Pictures" {
		t.Error("a service that was resumed cannot be paused")
	}
	d.until("the order is delivered", func() bool { o, _ := d.market.Order(id); return o.Status == "delivered" })
	d.send(http.MethodPost, "/services/resume", url.Values{"token": d.form("/services/pause")["token"], "service": {"Pictures"}})
	d.shows("It is not paused any more.")
	d.press("/services/pause", "service", "Murals")
	d.shows("Nothing was done.", "is not the title of a service")
}

// TestAGeneratorIsAskedAndTriedAtTheConsole guards what the page says of a generator that
// fails, and that a sample is made once at a time and not without its owner.
func TestAGeneratorIsAskedAndTriedAtTheConsole(t *testing.T) {
	t.Parallel()
	d := newAtDesk(t)
	d.market.SetDown(true) // it has no part in it
	fire := order.Failf(order.Retry, order.CodeOutage, "the studio is on fire")
	d.artist.set(fire, nil)
	d.open("/generators")
	d.press("/generators/probe")
	d.shows("Asked.", "the studio is on fire", "paused")
	d.artist.set(nil, nil)
	d.press("/generators/probe")
	d.shows("The generator works.")
	d.press("/generators/probe", "generator", "attic")
	d.shows("There is no such generator any more")
	d.press("/generators/try", "prompt", "mine is "+d.getenv("ATELIER_API_KEY"))
	d.shows("Nothing was done.")
	if strings.Contains(d.page, d.getenv("ATELIER_API_KEY")) {
		t.Error("the page shows the key")
	}

	hold := make(chan struct{})
	d.artist.set(nil, hold)
	again := d.form("/generators/try")
	again.Set("prompt", "another one")
	d.press("/generators/try", "prompt", "a <b>fox</b>")
	d.shows("Begun.", "A sample is being made", "a &lt;b&gt;fox")
	d.send(http.MethodPost, "/generators/try", again)
	d.shows("A sample of studio is being made already")
	close(hold)
	ended := func() bool { return !d.app.reloader.Load().parts.Console.desk.Sample("studio").Ended.IsZero() }
	d.until("the sample is made", ended)
	d.open("/generators")
	d.shows("counts with $0.10", "/samples/")
	d.send(http.MethodPost, "/generators/try", again)
	d.shows("Nothing was done.", "nother sample of studio has begun since this page was made", "counts with $0.10")

	d.artist.set(fire, nil)
	d.press("/generators/try", "prompt", "a last one")
	d.until("the sample has failed", ended)
	d.open("/generators")
	d.shows("The sample failed.", "the studio is on fire")
}
