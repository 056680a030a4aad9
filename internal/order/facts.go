package order

// The stored facts that more than one package reads, and their values.
const (
	// FactWallet is whether the marketplace has a payout wallet for the agent.
	FactWallet    = "agent.wallet"
	WalletSet     = "set"
	WalletMissing = "missing"

	// FactCounts is how the marketplace counts requests: all kinds together, or each
	// kind by itself. Without the fact it is unknown, and treated as shared.
	FactCounts     = "budget.counts"
	CountsShared   = "shared"
	CountsSeparate = "separate"

	// FactWebhook is when the last webhook came, to the minute.
	FactWebhook = "webhook.last"
)

// ScopeAll is the scope of the request window that all kinds share. The scope of
// any other window is its kind.
const ScopeAll = "all"

// ActionState is the state of a one-time action, such as the launch of a token.
type ActionState string

// The states of a one-time action.
const (
	ActionSending ActionState = "sending" // the request may be under way, or its answer lost
	ActionDone    ActionState = "done"
	ActionRefused ActionState = "refused"
)
