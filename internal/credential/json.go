package credential

import "encoding/json"

// stored is a file of credentials. The first two are as the marketplace's guide
// writes them.
type stored struct {
	AgentID       string `json:"agent_id"`
	APIKey        string `json:"api_key"`
	WebhookSecret string `json:"webhook_secret,omitempty"`
}

// jsonFile reads a file of credentials. Such a file is about nothing else, so
// one that holds none is an error.
func jsonFile(path string, data []byte) (Found, bool, error) {
	var s stored
	if json.Unmarshal(data, &s) != nil {
		// The decoder's own words may quote what it stumbled over: the key.
		return Found{}, true, failf(`write it as {"agent_id": "...", "api_key": "..."}, or move it away`,
			"%s is not a JSON object with the texts agent_id and api_key", path)
	}
	f, err := newFound(path, s.AgentID, s.APIKey, s.WebhookSecret)
	return f, true, err
}

// encode gives the text of a file that jsonFile reads back.
func encode(f Found) ([]byte, error) {
	data, err := json.MarshalIndent(stored{f.AgentID, f.Key.Reveal(), f.WebhookSecret.Reveal()}, "", "  ")
	return append(data, '\n'), err
}
