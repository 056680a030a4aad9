package view

import (
	"strings"

	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// NextStep returns the hint for something that was stored without one.
func NextStep(c order.Condition) string {
	switch c.What {
	case "order", "piece", "message":
		return orderHint(c)
	case "thread":
		return order.Command("messages", c.ID) + " shows it; later messages come by webhook only, which " + order.Command("doctor") + " checks"
	case "service":
		if c.Code == order.AlertServicePaused.Code() {
			return order.CommandFor("resume", c.ID) + " continues"
		}
		if c.Code == order.CodeListingDiffers {
			return order.Command("services sync") + " changes it at the marketplace"
		}
		return "fix its generator, then run " + order.Command("reload") + "; " + order.Command("doctor") + " checks it"
	case "row":
		return "the marketplace listed an order that cannot be read; look at your orders there"
	case "generator":
		if c.Code == order.ModelAlert(c.ID).Code() {
			return ModelHint
		}
		return order.Command("doctor") + " shows what it needs; it is probed again by itself, and at once after a restart"
	}
	if strings.HasPrefix(string(c.Code), string(order.AlertNotify.Code())) {
		return "correct its [[notify]], then run " + order.Command("reload") + " and " + order.Command("notify test")
	}
	return alertStep(c.Code)
}

// alertStep returns the hint for an alert of the daemon.
func alertStep(c order.Code) string {
	switch c {
	case order.AlertPoll.Code(), order.AlertThreads.Code():
		return order.Command("doctor") + " checks the marketplace; work resumes by itself"
	case order.AlertBackup.Code():
		return "correct backup.to or its disk, then run " + order.Command("backup") + "; the daemon tries again by itself"
	case order.AlertHistory.Code():
		return "make what is named removable, or remove it yourself, then run " + order.Command("prune") + "; the daemon tries again within the hour"
	case order.AlertStorage.Code():
		return order.Command("doctor") + " tries the storage and says what it needs; files go to the marketplace while uploads are left"
	case order.AlertSharedCount.Code():
		return order.Command("doctor") + " says what it needs; the daemon tries it again by itself"
	case order.AlertDatabase.Code():
		return "stop the daemon and put " + store.FileName + " back: from " + store.RescuedName +
			", where the daemon then leaves what it can still read, or from a backup"
	case order.AlertWindow.Code():
		return "set window = \"messages\" in the service, then run " + order.Command("reload")
	case order.AlertWallet.Code():
		return "set agent.payout_wallet in the configuration, then run " + order.Command("agent sync")
	case order.AlertFlaggedAgent.Code():
		return enroll.HintFlaggedAgent
	case order.AlertFlaggedService.Code():
		return enroll.HintFlaggedService
	case order.AlertHidden.Code():
		return "set agent.owner_wallet and agent.payout_wallet in the configuration, then run " + order.Command("agent sync")
	case order.AlertOwner.Code():
		return "set agent.owner_wallet in the configuration, then run " + order.Command("agent sync")
	case order.AlertSpending.Code():
		return "work resumes tomorrow (UTC); to resume now, raise spending.day_usd and run " + order.Command("reload")
	case order.AlertRestored.Code():
		return "compare your accounts at the providers with " + order.Command("earnings") + ", then run " + order.Command("reconcile --accept")
	case order.AlertSecondDaemon.Code():
		return "stop the other daemon, then run " + order.Command("reconcile --accept")
	case order.AlertLease.Code():
		return "work resumes once the servers of [nats] are reached; " + order.Command("doctor") + " checks them"
	case order.AlertReload.Code():
		return "correct the configuration, then run " + order.Command("reload")
	case order.AlertPaused.Code():
		return order.Command("resume") + " continues"
	case order.AlertForeignAgent.Code():
		return "put the credentials of the agent of this data folder back; for another agent, set another data_dir"
	case order.AlertKey.Code():
		return "replace the API key: the daemon reads a new one in a file by itself, and one in the environment after a restart; " + order.Command("doctor") + " checks it"
	}
	return "see the daemon's log"
}

// orderHint is the next step for what concerns an order.
func orderHint(c order.Condition) string {
	if c.Code == order.CodeRefused && c.What == "order" {
		return refusedHint(c.ID)
	}
	if c.Code == order.CodePayoutFailed {
		return order.Command("earnings retry-payout", c.ID) + " asks for it again"
	}
	return order.Command("orders show", c.ID) + " shows why; " + order.Command("orders retry", c.ID) + " tries again"
}

// refusedHint is the next step for an order that a generator has refused. Usually
// nothing but to cancel it.
func refusedHint(id string) string {
	return order.Command("orders cancel", id) + " removes it from this list; " + order.Command("orders retry", id) + " tries again"
}

// ModelHint is what to do about a model that ends.
const ModelHint = "set another model for the generator and run `atelierd reload`; docs/generators.md has the providers' current ones"
