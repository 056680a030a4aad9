package credential

import "encoding/json"

// stored is a file of credentials. The first two fields have the names of the
// marketplace's guide.
type stored struct {
	AgentID       string `json:"agent_id"`
	APIKey        string `json:"api_key"`
	WebhookSecret string `json:"webhook_secret,omitempty"`
}

// jsonFile reads a file of credentials. A JSON file has no other purpose, so one
// without credentials is an error.
func jsonFile(path string, data []byte) (Found, bool, error) {
	var s stored
	if json.Unmarshal(data, &s) != nil {
		// The decoder's error may quote a part of the key.
		return Found{}, true, failf(`write {"agent_id": "...", "api_key": "..."} into `+path+`, or move it away`,
			"%s is not a JSON object with the strings agent_id and api_key", path)
	}
	f, err := newFound(path, s.AgentID, s.APIKey, s.WebhookSecret)
	return f, true, err
}

// encode returns the text of a file for jsonFile.
func encode(f Found) ([]byte, error) {
	data, err := json.MarshalIndent(stored{f.AgentID, f.Key.Reveal(), f.WebhookSecret.Reveal()}, "", "  ")
	return append(data, '\n'), err
}
