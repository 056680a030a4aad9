package main_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/sandbox"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptOrder has a client place an order: order BRIEF [STATUS]. Without a
// status the order is paid. With agent another agent has paid it, and with begun it
// is the window of a subscription that has begun. With future it is dated 9999, and with
// large it has more than 1 MiB; both are paid. A brief in double quotes is read as Go reads a
// string. It sets ORDER. If CLIENT is set, it is the wallet of the client.
func scriptOrder(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 && len(args) != 2 {
		ts.Fatalf("usage: order brief [status]")
	}
	status, price := "paid", "5.00"
	if len(args) == 2 {
		status, price = args[1], ""
	}
	brief := args[0]
	if unquoted, err := strconv.Unquote(brief); err == nil {
		brief = unquoted
	}
	o := sandbox.NewOrder{ServiceTitle: "Pictures", Brief: brief, Status: status, Price: price, ClientWallet: ts.Getenv("CLIENT")}
	switch status {
	case "agent":
		o.Status, o.Price, o.ClientType, o.PaymentChain = "paid", "5.00", "agent_x402", "solana"
	case "begun":
		o.Status = "in_progress"
	case "future":
		o.Status, o.Price, o.Raw = "paid", "5.00", map[string]any{"created_at": "9999-12-31T23:59:59Z"}
	case "large":
		o.Status, o.Price, o.Raw = "paid", "5.00", map[string]any{"notes": strings.Repeat("x", 2<<20)}
	}
	id, err := marketOf(ts).PlaceOrder(o)
	ts.Check(err)
	ts.Setenv("ORDER", id)
}

// scriptClient has the client act on ORDER:
//
//	client pay | approve | cancel
//	client vanishes | reappears      have the marketplace hide ORDER from the agent, and show it again
//	client confirm                   confirm the payout of another agent's order
//	client says TEXT
//	client revise | dispute TEXT
//	client feedback TEXT             ask for a revision through the API, which writes no message
//	client chats N                   write N messages
//	client floods N                  write N messages of 1 MiB each
//	client flags STATUS REASON       have the moderation judge the agent
//	client doubts STATUS             have the moderation judge its first service
//	client rates STARS TEXT
//	client translates BRIEF ENGLISH SPEC   order with a translation, and set ORDER
//	client payouts work|fail         have payouts work or fail from now on
//	client posts TITLE BUDGET        post a bounty, and set BOUNTY
//	client prefers NAME              have agent NAME claim BOUNTY, and accept its claim
//	client accepts                   accept the first claim on BOUNTY, and set ORDER
//
// or asserts what the client sees:
//
//	client sees STATUS DELIVERIES    the status, and the number of deliveries
//	client reads TIMES TEXT          the number of the agent's messages with TEXT
//	client downloads N ADDRESS       the last delivery's N files, each at an address that begins so
func scriptClient(ts *testscript.TestScript, _ bool, args []string) {
	acts := clientLooks(ts)
	maps.Copy(acts, map[string]clientAct{
		"pay":       {0, func(m *testMarket, id string, _ []string) { ts.Check(m.Pay(id)) }},
		"approve":   {0, func(m *testMarket, id string, _ []string) { ts.Check(m.Approve(id)) }},
		"cancel":    {0, func(m *testMarket, id string, _ []string) { ts.Check(m.Cancel(id)) }},
		"vanishes":  {0, func(m *testMarket, id string, _ []string) { ts.Check(m.Vanish(id)) }},
		"reappears": {0, func(m *testMarket, id string, _ []string) { ts.Check(m.Reappear(id)) }},
		"confirm":   {0, func(m *testMarket, id string, _ []string) { ts.Check(m.ConfirmPayout(id)) }},
		"says":      {1, func(m *testMarket, id string, args []string) { ts.Check(m.ClientMessage(id, args[0])) }},
		"feedback": {1, func(m *testMarket, id string, args []string) {
			ts.Check(m.RequestRevision(id, args[0], sandbox.Channel{API: true}))
		}},
		"chats": {1, func(m *testMarket, id string, args []string) {
			n, err := strconv.Atoi(args[0])
			ts.Check(errors.Join(err, chat(m, id, n)))
		}},
		"floods":  {1, func(m *testMarket, id string, args []string) { flood(ts, m, id, args[0]) }},
		"revise":  {1, func(m *testMarket, id string, args []string) { ts.Check(m.RequestRevision(id, args[0])) }},
		"dispute": {1, func(m *testMarket, id string, args []string) { ts.Check(m.Dispute(id, args[0])) }},
		"rates": {2, func(m *testMarket, id string, args []string) {
			stars, err := strconv.Atoi(args[0])
			ts.Check(errors.Join(err, m.Rate(id, stars, args[1])))
		}},
		"translates": {3, func(m *testMarket, _ string, args []string) {
			id, err := m.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: args[0], BriefEnglish: args[1], BriefSpec: []byte(args[2])})
			ts.Check(err)
			ts.Setenv("ORDER", id)
		}},
		"payouts": {1, func(m *testMarket, _ string, args []string) { m.SetPayoutsFail(args[0] == "fail") }},
		"flags": {2, func(m *testMarket, _ string, args []string) {
			ts.Check(m.FlagAgent(ts.Getenv("ATELIER_AGENT_ID"), args[0], args[1]))
		}},
		"doubts": {1, func(m *testMarket, _ string, args []string) { ts.Check(m.FlagService(m.Services()[0].ID, args[0])) }},
		"posts": {2, func(m *testMarket, _ string, args []string) {
			bounty, err := m.PostBounty(sandbox.NewBounty{Title: args[0], Brief: args[0], BudgetUSD: args[1]})
			ts.Check(err)
			ts.Setenv("BOUNTY", bounty)
		}},
		"prefers": {1, func(m *testMarket, _ string, args []string) {
			id, key, err := m.AddAgent(args[0], "", "")
			ts.Check(err)
			api := scriptAPI{ts, key}
			api.send(http.MethodPatch, "/api/agents/me", `{"owner_wallet":"`+strings.Repeat("1", 32)+`"}`)
			api.send(http.MethodPost, "/api/bounties/"+ts.Getenv("BOUNTY")+"/claim", `{}`)
			_, err = m.AcceptClaim(ts.Getenv("BOUNTY"), claimOf(m, ts.Getenv("BOUNTY"), id))
			ts.Check(err)
		}},
		"accepts": {0, func(m *testMarket, _ string, _ []string) {
			orderID, err := m.AcceptClaim(ts.Getenv("BOUNTY"), "")
			ts.Check(err)
			ts.Setenv("ORDER", orderID)
		}},
	})
	if len(args) == 0 || acts[args[0]].act == nil || len(args)-1 != acts[args[0]].args {
		ts.Fatalf("unknown act of the client: %v", args)
	}
	acts[args[0]].act(marketOf(ts), ts.Getenv("ORDER"), args[1:])
}

// flood writes messages of 1 MiB.
func flood(ts *testscript.TestScript, m *testMarket, id, count string) {
	n, err := strconv.Atoi(count)
	ts.Check(err)
	for range n {
		ts.Check(m.ClientMessage(id, strings.Repeat("x", 1<<20)))
	}
}

// clientAct is an act of the client, with the number of its arguments.
type clientAct struct {
	args int
	act  func(m *testMarket, id string, args []string)
}

// clientLooks are the acts that assert what the client sees.
func clientLooks(ts *testscript.TestScript) map[string]clientAct {
	return map[string]clientAct{
		"sees": {2, func(m *testMarket, id string, args []string) {
			o, _ := m.Order(id)
			if got := fmt.Sprintf("%s %d", o.Status, len(o.Deliveries)); got != args[0]+" "+args[1] {
				ts.Fatalf("the client sees %s deliveries", got)
			}
		}},
		"downloads": {2, func(m *testMarket, id string, args []string) { download(ts, m, id, args) }},
		"reads": {2, func(m *testMarket, id string, args []string) {
			o, _ := m.Order(id)
			if got := agentWrote(o, args[1]); fmt.Sprint(got) != args[0] {
				ts.Fatalf("the client reads it %d times in %v", got, o.Messages)
			}
		}},
	}
}

// chat has the client write n messages.
func chat(m *testMarket, id string, n int) (err error) {
	for i := range n {
		err = errors.Join(err, m.ClientMessage(id, fmt.Sprintf("message %d", i)))
	}
	return err
}

// agentWrote counts the agent's messages that contain the text.
func agentWrote(o sandbox.Order, text string) (times int) {
	for _, m := range o.Messages {
		if m.From == "provider" && strings.Contains(m.Content, text) {
			times++
		}
	}
	return times
}

// scriptAwait waits for the daemon, at most a minute:
//
//	await poll                 until it polls once more
//	await STATUS               until ORDER has the status
//	await 'STATUS DELIVERIES'  until ORDER has the status and that many deliveries
//	await reads TEXT           until the client can read a message with TEXT
//	await hook EVENT STATUS    until a webhook of the event was answered with the status
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 && (len(args) != 2 || args[0] != "reads") && (len(args) != 3 || args[0] != "hook") {
		ts.Fatalf("usage: await poll | await status | await reads text | await hook event status")
	}
	m := marketOf(ts)
	var done func() bool
	switch before := m.polls(); {
	case args[0] == "poll":
		done = func() bool { return m.polls() > before }
	case len(args) == 3:
		done = func() bool { return m.heard(args[1], args[2]) }
	case len(args) == 2:
		done = func() bool { o, _ := m.Order(ts.Getenv("ORDER")); return agentWrote(o, args[1]) > 0 }
	default:
		done = func() bool {
			o, _ := m.Order(ts.Getenv("ORDER"))
			return slices.Contains([]string{o.Status, fmt.Sprintf("%s %d", o.Status, len(o.Deliveries))}, args[0])
		}
	}
	deadline := time.After(time.Minute)
	for {
		answered := m.next() // before the look, so that no answer is missed
		if done() {
			return
		}
		select {
		case <-answered:
		case <-deadline:
			ts.Fatalf("no %s within a minute", strings.Join(args, " "))
		}
	}
}
