package atelier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
	"unique"

	"atelierd/internal/order"
)

// maxID is the length in bytes of the longest accepted id.
const maxID = 200

// Orders lists the agent's orders in the given statuses with one counted request. Rows
// that cannot be read are in Listing.Bad. A listing that is cut short is an error,
// because an order that it does not show must not seem to have ended.
func (c *Client) Orders(ctx context.Context, statuses []order.Status) (order.Listing, error) {
	var listing order.Listing
	err := c.OrdersInParts(ctx, statuses, func(part order.Listing) error {
		listing.Orders = append(listing.Orders, part.Orders...)
		listing.Bad = append(listing.Bad, part.Bad...)
		return nil
	})
	if err != nil {
		return order.Listing{}, err
	}
	return listing, nil
}

// OrdersInParts is Orders for a listing of any length: take gets it in parts that fit
// into little memory, while the rest is still on its way. Only once take got a part
// without More is the listing complete. An error of take ends it and is returned.
func (c *Client) OrdersInParts(ctx context.Context, statuses []order.Status, take func(order.Listing) error) error {
	words := make([]string, len(statuses))
	for i, s := range statuses {
		words[i] = url.QueryEscape(string(s))
	}
	var refused error // by take
	err := c.do(ctx, request{
		call: order.RequestPoll, method: http.MethodGet, timeout: c.Timeout,
		path:  []string{"agents", c.Credentials().AgentID, "orders"},
		query: "status=" + strings.Join(words, ","),
		read: func(body io.Reader) error {
			return readListing(body, ordersLimit, func(part order.Listing) error {
				refused = take(part)
				return refused
			})
		},
	})
	if refused != nil {
		return refused
	}
	return err
}

// Order reads one order with its deliverables, which a listing does not show. The
// request is the deployed marketplace's, which does not count it, and not in its guide;
// elsewhere the error has the code not_found.
func (c *Client) Order(ctx context.Context, id string) (order.Facts, error) {
	var facts order.Facts
	err := c.do(ctx, request{
		call: order.RequestRead, orderID: id, method: http.MethodGet, timeout: c.Timeout,
		path: []string{"orders", id},
		read: func(body io.Reader) error {
			one, err := readOne(body)
			if err != nil {
				return err
			}
			facts, err = readOneOrder(one, id)
			return err
		},
	})
	return facts, err
}

// readOneOrder reads {order, review, deliverables, viewer_role}, or a bare order.
func readOneOrder(one oneOrder, id string) (order.Facts, error) {
	facts, err := readOrder(member(one.data, "order"))
	if err != nil {
		return order.Facts{}, err
	}
	if facts.ID != id {
		return order.Facts{}, errors.New("the answer is about another order")
	}
	var shown struct {
		Deliverables links `json:"deliverables"`
	}
	if err := unmarshal(one.data, &shown); err != nil {
		return order.Facts{}, err
	}
	facts.Deliverables = appendNew(facts.Deliverables, shown.Deliverables...)
	facts.Shown = shownOf(one.data, facts.Deliverables)
	if facts.TooLarge = one.tooLarge; facts.TooLarge && facts.Shown == order.ShownNone {
		facts.Shown = order.ShownUnknown // the field that shows one may be left out
	}
	return facts, nil
}

// wireOrder is an order as the marketplace sends it. The work can be done without the
// lenient fields.
type wireOrder struct {
	ID                 text    `json:"id"`
	ServiceID          text    `json:"service_id"`
	ServiceTitle       text    `json:"service_title"`
	ClientWallet       label   `json:"client_wallet"`
	ClientType         label   `json:"client_type"`
	ClientAgentID      label   `json:"client_agent_id"`
	Brief              text    `json:"brief"`
	BriefEnglish       label   `json:"brief_english"`
	BriefSpec          spec    `json:"brief_spec"`
	ReferenceURLs      list    `json:"reference_urls"`
	ReferenceImages    list    `json:"reference_images"`
	RequirementAnswers answers `json:"requirement_answers"`
	Status             text    `json:"status"`
	QuotedPriceUSD     money   `json:"quoted_price_usd"`
	PlatformFeeUSD     money   `json:"platform_fee_usd"`
	CreatedAt          stamp   `json:"created_at"`
	DeliveredAt        stamp   `json:"delivered_at"`
	ReviewDeadline     stamp   `json:"review_deadline"`
	CompletedAt        stamp   `json:"completed_at"`
	WorkspaceExpiresAt stamp   `json:"workspace_expires_at"`
	DeliverableURL     links   `json:"deliverable_url"`
	Deliverables       links   `json:"deliverables"`
	MaxRevisions       count   `json:"max_revisions"`
	RevisionCount      count   `json:"revision_count"`
	QuotaTotal         count   `json:"quota_total"`
	QuotaUsed          count   `json:"quota_used"`
	PayoutTxHash       label   `json:"payout_tx_hash"`
	BountyID           label   `json:"bounty_id"`
}

// readOrder returns the facts in the JSON of one order.
func readOrder(raw json.RawMessage) (order.Facts, error) {
	raw = validUTF8(raw) // first, so that the facts match the Raw that is stored
	if depth(raw) > maxDepth {
		return order.Facts{}, errors.New("it is nested too deeply")
	}
	var w wireOrder
	if kind(raw) != "object" {
		return order.Facts{}, fmt.Errorf("it is a JSON %s, not an order", kind(raw))
	}
	if err := unmarshal(raw, &w); err != nil {
		return order.Facts{}, err
	}
	if err := checkID(string(w.ID)); err != nil {
		return order.Facts{}, err
	}
	if w.Status == "" {
		return order.Facts{}, errors.New("it has no status")
	}
	facts := order.Facts{
		ID: string(w.ID), ServiceID: string(w.ServiceID), ServiceTitle: string(w.ServiceTitle),
		ClientWallet: string(w.ClientWallet), ClientType: string(w.ClientType), ClientAgent: string(w.ClientAgentID), Brief: string(w.Brief),
		BriefEnglish: string(w.BriefEnglish), BriefSpec: json.RawMessage(w.BriefSpec),
		ReferenceURLs: w.ReferenceURLs, ReferenceImages: w.ReferenceImages,
		Answers: json.RawMessage(w.RequirementAnswers), Status: unique.Make(order.Status(w.Status)).Value(),
		Price: w.QuotedPriceUSD.usd, Fee: w.PlatformFeeUSD.usd,
		CreatedAt: w.CreatedAt.Time, DeliveredAt: w.DeliveredAt.Time, ReviewDeadline: w.ReviewDeadline.Time,
		CompletedAt: w.CompletedAt.Time, WorkspaceExpiresAt: w.WorkspaceExpiresAt.Time,
		Deliverables: appendNew(nil, append(w.DeliverableURL, w.Deliverables...)...),
		MaxRevisions: w.MaxRevisions.n, RevisionCount: w.RevisionCount.n,
		QuotaTotal: w.QuotaTotal.n, QuotaUsed: w.QuotaUsed.n,
		PayoutTx: string(w.PayoutTxHash), BountyID: bountyID(w.BountyID), Raw: raw,
	}
	if len(facts.Deliverables) > 0 {
		facts.Shown = order.ShownFiles
	}
	return facts, nil
}

// bountyID returns an id that can stand in an address, or "".
func bountyID(id label) string {
	if checkID(string(id)) != nil {
		return ""
	}
	return string(id)
}

// checkID returns an error for an id that is not safe in an address, in a table and on
// a terminal.
func checkID(id string) error {
	switch {
	case id == "":
		return errors.New("it has no id")
	case len(id) > maxID:
		return fmt.Errorf("its id is longer than %d bytes", maxID)
	case id == "." || id == ".." || strings.ContainsRune(id, utf8.RuneError) ||
		strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("its id is not plain text")
	}
	return nil
}

// readableID returns the id of a row that cannot be read, or "".
func readableID(raw json.RawMessage) string {
	var w struct {
		ID label `json:"id"`
	}
	if json.Unmarshal(raw, &w) != nil || checkID(string(w.ID)) != nil {
		return ""
	}
	return string(w.ID)
}

// appendNew appends the items that are not in the list yet.
func appendNew(to []string, items ...string) []string {
	if len(items) == 0 {
		return to
	}
	there := make(map[string]bool, len(to)+len(items)) // a list may be very long
	for _, s := range to {
		there[s] = true
	}
	for _, s := range items {
		if !there[s] {
			there[s] = true
			to = append(to, s)
		}
	}
	return to
}
