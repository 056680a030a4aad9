package view

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// randomAccounts are accounts with hostile names.
func randomAccounts(rng *rand.Rand) store.Accounts {
	names := []string{"", "flux", order.Assistant, "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "a \"quoted\", one", "two\nlines", "\tx"}
	pick := func() string { return names[rng.IntN(len(names))] }
	cost := func() store.Cost {
		return store.Cost{Generator: pick(), Cost: order.USD(rng.IntN(1e6)), Lost: order.USD(rng.IntN(1e3))}
	}
	a := store.Accounts{Spent: map[string]order.USD{}}
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for i := range 30 {
		e := store.Earning{
			ID: fmt.Sprint("o", i), Service: pick(), Client: pick(), Completed: at.Add(time.Duration(i) * time.Hour), PayoutTx: pick(),
			Gross: order.USD(1e6 + rng.IntN(9e6)), Fee: order.USD(rng.IntN(1e6)), Paid: rng.IntN(2) == 0,
		}
		seen := map[string]bool{}
		for range rng.IntN(4) {
			if c := cost(); !seen[c.Generator] {
				e.Costs, seen[c.Generator] = append(e.Costs, c), true
			}
		}
		a.Earned = append(a.Earned, e)
	}
	for i := range 30 {
		c := store.OtherCost{Day: fmt.Sprintf("2026-02-%02d", 1+i%28), Service: pick(), Client: pick(), State: order.StateHeld, Cost: cost()}
		if i%3 > 0 {
			c.Order = fmt.Sprint("open", i%5)
		}
		a.Other = append(a.Other, c)
		a.Spent[c.Generator] += c.Cost.Cost
	}
	return a
}

// column adds up a column of CSV.
func column(t *testing.T, rows [][]string, name string) (sum order.USD) {
	t.Helper()
	at := slices.Index(rows[0], name)
	if at < 0 {
		return 0
	}
	for _, row := range rows[1:] {
		usd, err := order.ParseUSD(row[at])
		if err != nil {
			t.Fatal(err)
		}
		sum += usd
	}
	return sum
}

// TestEveryFormOfTheEarningsAddsUpToTheSame guards the groups, the total, and the CSV as
// another program reads it.
func TestEveryFormOfTheEarningsAddsUpToTheSame(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	a := randomAccounts(rand.New(rand.NewPCG(seed, 1)))
	var gross, cost, other, assistant order.USD
	for _, e := range a.Earned {
		gross, cost = gross+e.Gross, cost+e.Cost().Cost
		for _, c := range e.Costs {
			assistant += ofAssistant(c)
		}
	}
	for _, c := range a.Other {
		other += c.Cost.Cost
		assistant += ofAssistant(c.Cost)
	}
	for _, by := range []string{ByDay, ByMonth, ByService, ByClient, ByGenerator, ByProvider, ByOrder} {
		v := viewEarnings(a, Grouping{By: by, Period: Period{Zone: time.UTC}, provider: map[string]string{"flux": "fal"}})
		if v.Total.Gross != gross.String() || v.Total.Cost != cost.String() || v.Total.Other != other.String() || v.NotCompletedCost+v.SamplesCost != other {
			t.Errorf("by %s the total is %+v; want gross %s, cost %s, other %s", by, v.Total, gross, cost, other)
		}
		var text bytes.Buffer
		if err := v.WriteCSV(&text); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text.String(), "\n"); n != strings.Count(text.String(), "\r\n") {
			t.Errorf("by %s not every line ends as RFC 4180 has it", by)
		}
		rows, err := csv.NewReader(&text).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		sum := column(t, rows, "cost_usd") + column(t, rows, "other_cost_usd")
		if sum != cost+other || by != ByGenerator && by != ByProvider && column(t, rows, "gross_usd") != gross {
			t.Errorf("by %s the CSV adds up to gross %s and cost %s; want %s and %s", by, column(t, rows, "gross_usd"), sum, gross, cost+other)
		}
		if v.Total.Assistant != assistant.String() || v.Assistant == nil || v.Assistant.All != v.Total.Assistant ||
			by != ByGenerator && by != ByProvider && column(t, rows, "assistant_cost_usd") != assistant {
			t.Errorf("by %s the assistant's cost is %s and %+v; want %s", by, v.Total.Assistant, v.Assistant, assistant)
		}
		for _, row := range rows {
			for _, text := range row {
				if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
					t.Errorf("by %s a spreadsheet takes %q for a formula", by, text)
				}
			}
		}
	}
}

// ofAssistant is the cost of the assistant, and nothing of another.
func ofAssistant(c store.Cost) order.USD {
	if c.Generator == order.Assistant {
		return c.Cost
	}
	return 0
}

func TestTheShareSentBackIsOfWhatWasDelivered(t *testing.T) {
	t.Parallel()
	if v := viewEarnings(store.Accounts{Rounds: store.Rounds{Without: store.SentBack{Delivered: 9, SentBack: 1}}}, Grouping{Period: Period{Zone: time.UTC}}); v.Assistant != nil {
		t.Errorf("without an assistant there is %+v", v.Assistant)
	}
	v := viewEarnings(store.Accounts{Rounds: store.Rounds{With: store.SentBack{Delivered: 8, SentBack: 1}}}, Grouping{Period: Period{Zone: time.UTC}})
	const want = "sent back with the assistant: 1 of 8 rounds (12.5 %); without it: none was delivered"
	if v.Assistant == nil || v.Assistant.Text() != want {
		t.Errorf("%+v", v.Assistant)
	}
}
