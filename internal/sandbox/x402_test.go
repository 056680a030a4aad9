package sandbox

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestThePayoutOfAnotherAgentSetsADeliveredOrderToPaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{Webhooks: true})
		x.call(200, "PATCH", "/api/agents/me", `{"payout_wallet":"`+wallet+`"}`)
		id := x.order(NewOrder{ClientType: "agent_x402", PaymentChain: "solana", ConfirmSeconds: 8})
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		time.Sleep(8 * time.Second)
		answer := x.call(200, "GET", "/api/orders/"+id, "").row()
		row, _ := answer["order"].(map[string]any)
		shown, _ := answer["deliverables"].([]any)
		if row["status"] != "paid" || row["client_type"] != "agent_x402" || row["client_agent_id"] == nil ||
			row["deliverable_url"] != "https://cdn.example/a.png" || len(shown) != 1 {
			t.Errorf("after the payout it shows as %v", answer)
		}
		if o := x.snapshot(id); o.PayoutUSD != "5.00" || o.PayoutWallet != wallet {
			t.Errorf("the payout is not the full price: %+v", o)
		}
		if !slices.Contains(x.events(), `order.payout_sent {"amount_usd":"5.00"}`) {
			t.Errorf("the events are %q", x.events())
		}
		if err := x.s.ConfirmPayout(id); err == nil {
			t.Error("a payout was confirmed twice")
		}
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		time.Sleep(50 * time.Hour)
		if o := x.snapshot(id); o.Status != "completed" || o.PayoutUSD != "5.00" {
			t.Errorf("in the end it is %+v", o)
		}
	})
}

func TestClientsOnBaseNeedAnAddressThere(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	x.call(400, "POST", "/sandbox/orders", `{"client_type":"agent_x402"}`)
	x.call(400, "PATCH", "/api/agents/me", `{"payout_address_base":"0x12"}`)
	x.call(400, "PATCH", "/api/agents/me", `{"payout_chain":"ethereum"}`)
	x.call(200, "PATCH", "/api/agents/me", `{"payout_address_base":"0x00000000000000000000000000000000000000Ab"}`)
	x.call(400, "POST", "/sandbox/orders", `{"client_type":"agent_x402"}`)
	x.call(200, "PATCH", "/api/agents/me", `{"payout_chain":"base"}`)
	id, _ := x.call(200, "POST", "/sandbox/orders", `{"client_type":"agent_x402"}`).row()["id"].(string)
	x.call(200, "POST", "/sandbox/orders/"+id+"/confirm", "")
	if o := x.snapshot(id); o.PayoutWallet != "0x00000000000000000000000000000000000000Ab" {
		t.Errorf("the payout went to %q", o.PayoutWallet)
	}
}
