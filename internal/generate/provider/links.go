package provider

import (
	"encoding/json"
	"strings"

	"atelierd/internal/order"
)

// linksStart begins the ticket of a result whose provider has no jobs: the links of its
// files as JSON. No provider's id begins so.
const linksStart = `{"links":`

// linkTicket is such a ticket.
type linkTicket struct {
	Links []string  `json:"links"`
	Cost  order.USD `json:"cost"`
}

// remote reports whether the file is fetched from an address.
func (b blob) remote() bool {
	return b.path != "" || b.link != "" && !strings.HasPrefix(b.link, "data:")
}

// fetched reports whether all files are fetched from an address. The answer that is a
// file is fetched too.
func (o *output) fetched() bool {
	if o.whole {
		return true
	}
	for _, b := range o.blobs {
		if !b.remote() {
			return false
		}
	}
	return len(o.blobs) > 0
}

// linksTicket returns the links of the output as a ticket, or "" if not all its files are
// links. With it a later run fetches the same links, and pays for nothing.
func (o *output) linksTicket() string {
	if !o.fetched() {
		return ""
	}
	made := linkTicket{Cost: o.cost}
	for _, b := range o.blobs {
		if b.link == "" {
			return ""
		}
		made.Links = append(made.Links, b.link)
	}
	text, err := json.Marshal(made)
	if err != nil {
		return "" // texts and numbers always marshal
	}
	return string(text)
}

// storedLinks returns the output of a ticket of links, or nil if it is another ticket.
func storedLinks(ticket string) *output {
	var made linkTicket
	if !strings.HasPrefix(ticket, linksStart) || json.Unmarshal([]byte(ticket), &made) != nil || len(made.Links) == 0 {
		return nil
	}
	out := linked(made.Links)
	out.cost = made.Cost
	return out
}
