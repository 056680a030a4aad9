package credential

// Save stores credentials durably in the file at path, which only this user can
// read. It replaces a file of the same agent. A file of another agent, or one that
// cannot be read, stays as it is and is an *Error.
//
// A key is issued only once. Save stores even one that looks wrong, and then returns
// the error that Find returns for it.
func Save(path string, f Found) error {
	checked, odd := newFound(path, f.AgentID, f.Key.Reveal(), f.WebhookSecret.Reveal())
	if odd == nil {
		f = checked
	} else if f.AgentID == "" || f.Key.Empty() {
		return odd
	}
	old, found, err := findIn(path, jsonFile)
	if err != nil {
		return err
	}
	if found && old.AgentID != f.AgentID {
		return failf("move "+path+" to a safe place first, because its key is never issued again",
			"%s holds the credentials of another agent, %s, and was not replaced by those of %.40q", path, old.AgentID, f.AgentID)
	}
	data, err := encode(f)
	if err != nil {
		return failf("", "cannot encode the credentials")
	}
	if err := replaceFile(path, data); err != nil {
		return failf("check that the folder of "+path+" exists, is writable and has free space", "cannot save the credentials: %w", err)
	}
	return odd
}
