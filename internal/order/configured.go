package order

// Configured is what the configuration says about work that is under way. It is applied
// at each start, because the marketplace shows nothing new when a setting changes.
type Configured struct {
	// Digest differs for each text of the configuration. If it is empty, no work that
	// waits for a setting is tried again.
	Digest   string
	Services []Sending
	Clients  ClientRules
}

// Sending is what the work of a service waits for once it is made.
type Sending struct {
	Service string
	// Mode is the name of the setting. When it changes, made work is held again.
	Mode string
	// Files and Price hold what is made or priced; nil sends it.
	Files, Price *Failure
}

// Hold returns what the made work of a kind waits for; nil for nothing.
func (s Sending) Hold(k Kind) *Failure {
	if k == KindQuote {
		return s.Price
	}
	return s.Files
}

// SettingCodes returns the codes of work that is held until the owner changes a setting.
// It is tried again at the first start with another configuration. Work whose next try
// is paid for although nothing may have changed for it is not among them, and neither is
// a dry run, for which the mode of its service decides.
func SettingCodes() []Code {
	return []Code{
		CodeNoGenerator, CodeAttemptCap, CodeOrderCap, CodePrompt, CodeNoPrompt,
		CodeBadTemplate, CodeQuoteBounds, CodeClientCost,
	}
}
