package order

import "strings"

// words are the codes that do not say in words what they mean. A text fits a column of a
// list: at most 20 characters.
var words = map[Code]string{
	CodeNoService:           "no such service",
	CodeRoundCap:            "sent back too often",
	CodeReview:              "waits for approval",
	CodeDraft:               "waits for approval",
	CodeApproved:            "approved",
	CodeDryRun:              "not sent (dry-run)",
	CodeClientBlocked:       "client is blocked",
	CodeClientOpen:          "client has others",
	CodeClientRounds:        "rounds of a client",
	CodeClientCost:          "cost of a client",
	CodeQuoteNeeded:         "price wanted",
	CodeQuoteBounds:         "price out of bounds",
	CodeProposalBounds:      "price out of bounds",
	CodeQuoteDeclined:       "no price named",
	CodeQuoteNotShown:       "quote not shown",
	CodeUnknownCall:         "perhaps paid for",
	CodeAttemptCap:          "cap of an attempt",
	CodeOrderCap:            "cap of the order",
	CodePaused:              "generator is paused",
	CodePausedByOwner:       "paused by you",
	CodeDayCap:              "cap of the day",
	CodeRestored:            "spending unknown",
	CodeUncompared:          "not compared yet",
	CodeBudget:              "no request left",
	CodeRateLimited:         "marketplace is busy",
	CodeUnreachable:         "no network",
	CodeNoAnswer:            "answer was lost",
	CodeServerError:         "marketplace failed",
	CodeUnexpected:          "odd answer",
	CodeSettling:            "looks before sending",
	CodeChecking:            "compares the ledger",
	CodeNotListed:           "not listed now",
	CodeNotSeen:             "waits for a poll",
	CodeVanished:            "no longer listed",
	CodeNotNow:              "takes no message now",
	CodeWindow:              "window is open",
	CodeThreadFull:          "thread is full",
	CodeProviderKeyRefused:  "provider refuses key",
	CodeProviderKeyMissing:  "provider key missing",
	CodeProviderRejected:    "provider rejected it",
	CodeProviderFailed:      "provider failed",
	CodeOutage:              "provider is down",
	CodeProviderRateLimited: "provider is busy",
	CodeBusy:                "provider still works",
	CodeSlow:                "provider still works",
	CodeOverdue:             "no result in a day",
	CodeNotVisible:          "result not shown",
	CodeFetch:               "result not fetched",
	CodeRefused:             "generator refuses",
	CodeTryLater:            "program asks to wait",
	CodeSelfCheck:           "fails its self-check",
	CodeNotStarted:          "could not start",
	CodeExit:                "program failed",
	CodeSignal:              "program was killed",
	CodeTimeout:             "took too long",
	CodeFlooded:             "wrote too much",
	CodeBadOutput:           "odd output",
	CodeNoOutput:            "no file was made",
	CodeSameAgain:           "same file again",
	CodeVetoed:              "check refuses files",
	CodeCheck:               "check failed",
	CodeReference:           "picture not readable",
	CodeCrashes:             "crashed too often",
	CodePanic:               "bug in atelierd",
	CodeDiskFull:            "disk is full",
	CodeNoDescriptors:       "no descriptors left",
	CodeNoMemory:            "no memory left",
	CodeNoProcesses:         "no processes left",
	CodeFileGone:            "file is gone",
	CodeStorage:             "own storage failing",
	CodeNoPrompt:            "brief says nothing",
	CodePrompt:              "prompt not written",
	CodeSecret:              "contains a secret",
	CodeOwner:               "cancelled by you",
}

// Words returns the code for people: a few words that fit a column of a list.
func (c Code) Words() string {
	if text, ok := words[c]; ok {
		return text
	}
	return strings.ReplaceAll(string(c), "_", " ")
}

// subjects are what the alerts of the daemon are about, and in what state that is.
var subjects = map[Alert][2]string{
	AlertKey:            {"API key", "refused"},
	AlertFlaggedAgent:   {"agent", "flagged"},
	AlertFlaggedService: {"services", "flagged"},
	AlertForeignAgent:   {"credentials", "of another agent"},
	AlertRestored:       {"data folder", "restored"},
	AlertPoll:           {"polls", "failing"},
	AlertThreads:        {"messages", "not readable"},
	AlertSecondDaemon:   {"second daemon", "at work"},
	AlertLease:          {"lease", "not renewed"},
	AlertPaused:         {"daemon", "paused"},
	AlertServicePaused:  {"service", "paused"},
	AlertReload:         {"configuration", "not taken over"},
	AlertUnreachable:    {"marketplace", "not reached"},
	AlertHidden:         {"agent", "hidden"},
	AlertPayout:         {"payouts", "missing"},
	AlertDatabase:       {"database file", "gone"},
	AlertCrashed:        {"daemon", "restarted"},
	AlertDisk:           {"disk", "nearly full"},
	AlertBackup:         {"backup", "failing"},
	AlertHistory:        {"history", "not pruned"},
	AlertStorage:        {"storage", "failing"},
	AlertSharedCount:    {"shared count", "not used"},
	AlertWallet:         {"payout wallet", "missing"},
	AlertOwner:          {"owner's wallet", "missing"},
	AlertSpending:       {"cap of the day", "reached"},
	AlertWindow:         {"window", "ends soon"},
}

// Subject returns what an alert of the daemon is about, and the state of that. Both are
// empty for other codes.
func (c Code) Subject() (what, state string) {
	name, ok := strings.CutPrefix(string(c), AlertFact)
	if !ok {
		return "", ""
	}
	if target, ok := strings.CutPrefix(name, string(AlertNotify)); ok {
		return "notifications to " + target, "not sent"
	}
	s := subjects[Alert(name)]
	return s[0], s[1]
}
