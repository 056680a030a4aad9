package credential

// Save makes credentials durable in the file at path, for this user alone. A
// file of the same agent is replaced; one of another agent, or one that cannot be
// read, is an *Error and stays as it is.
//
// A key is issued once, so even one that looks wrong is written down, and only
// then refused with the error that Find will give from now on.
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
		return failf("move it to a safe place first: its key cannot be had again",
			"%s holds the credentials of another agent, %s, and is not overwritten with those of %.40q", path, old.AgentID, f.AgentID)
	}
	data, err := encode(f)
	if err != nil {
		return failf("", "cannot encode the credentials")
	}
	if err := replaceFile(path, data); err != nil {
		return failf("see that the folder is there, can be written and has room", "cannot save the credentials: %w", err)
	}
	return odd
}
