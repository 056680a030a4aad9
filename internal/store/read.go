package store

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// OpenReader opens the database of dir for reading, with or without a running
// daemon. It fails with ErrNoDatabase if there is none, and with ErrNewer or
// ErrOlder if another version of atelierd wrote it.
func OpenReader(dir string) (*Store, error) {
	path, err := existing(dir)
	if err != nil {
		return nil, err
	}
	s := newStore(Options{Dir: dir})
	if err := s.openReader(path); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) openReader(path string) error {
	if err := s.openReads(path); err != nil {
		return err
	}
	have, target, err := s.compare(s.reads, path)
	if err != nil {
		return err
	}
	if have.version < target {
		return fmt.Errorf("%w: it has version %d, this program knows %d", ErrOlder, have.version, target)
	}
	if have.views == 0 {
		return fmt.Errorf("%w: its upgrade to version %d is not finished", ErrOlder, target)
	}
	if have.views == viewsID(s.views) {
		return nil
	}
	s.reads.SetMaxOpenConns(1)
	return shadowViews(s.reads, s.views)
}

func existing(dir string) (string, error) {
	path := filepath.Join(dir, FileName)
	if err := Lost(dir); err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		if os.IsNotExist(err) {
			return "", ErrNoDatabase
		}
		return "", err
	}
	return path, nil
}

// Order returns an order, or ErrNotFound.
func (s *Store) Order(ctx context.Context, id string) (order.Order, error) {
	rows, err := s.read.GetOrder(ctx, id)
	if err != nil {
		return order.Order{}, err
	}
	if len(rows) == 0 {
		return order.Order{}, fmt.Errorf("%w: %.100q", ErrNotFound, id)
	}
	return toOrder(rows[0]), nil
}

// toOrder never fails, so that the owner can show and cancel an order whose row is
// damaged.
func toOrder(r query.Order) order.Order {
	o := order.Order{
		State: r.State, Round: int(r.Round), Service: r.Service, DueAt: r.DueAt.Time,
		Code: r.Code, Reason: r.Reason, Hint: r.Hint, SeenAt: r.SeenAt.Time, MissingAt: r.MissingAt.Time, ClientApproved: !r.ClientApprovedAt.IsZero(),
		ThreadReadAt: r.ThreadReadAt.Time, ThreadDueAt: r.ThreadDueAt.Time,
		Facts: order.Facts{
			ID: r.ID, ServiceID: r.ServiceID, ServiceTitle: r.ServiceTitle,
			ClientWallet: r.ClientWallet, ClientType: r.ClientType, Brief: r.Brief, Status: r.RemoteStatus, Price: r.PriceUsdMicros,
			Fee: r.FeeUsdMicros, CreatedAt: r.CreatedAt.Time, DeliveredAt: r.DeliveredAt.Time,
			ReviewDeadline: r.ReviewDeadlineAt.Time, CompletedAt: r.CompletedAt.Time,
			WorkspaceExpiresAt: r.WindowEndsAt.Time, PayoutTx: r.PayoutTx, BountyID: r.BountyID, BountyTitle: r.BountyTitle, Raw: json.RawMessage(r.Raw),
			MaxRevisions: toInt(r.MaxRevisions), RevisionCount: toInt(r.RevisionCount),
			QuotaTotal: toInt(r.QuotaTotal), QuotaUsed: toInt(r.QuotaUsed), TooLarge: r.TooLarge != 0,
		},
	}
	if r.Client != order.ClientID(r.ClientWallet) {
		o.ClientAgent = r.Client
	}
	if r.RequirementAnswers != nil {
		o.Answers = json.RawMessage(*r.RequirementAnswers)
	}
	o.BriefEnglish, o.Review = r.BriefEnglish, order.Review{Rating: toInt(r.Rating), Text: r.Review}
	if r.BriefSpec != nil {
		o.BriefSpec = json.RawMessage(*r.BriefSpec)
	}
	o.Removed = order.Removed{Files: r.FilesRemovedAt.Time, Attempts: r.AttemptsRemovedAt.Time, Texts: r.TextsRemovedAt.Time}
	o.Damage = orderDamage(r)
	for _, f := range []struct {
		name, text string
		into       *[]string
	}{
		{"reference_urls", r.ReferenceUrls, &o.ReferenceURLs},
		{"reference_images", r.ReferenceImages, &o.ReferenceImages},
		{"deliverables", r.Deliverables, &o.Deliverables},
	} {
		if json.Unmarshal([]byte(f.text), f.into) != nil {
			*f.into = nil
			o.Damage = joinDamage(o.Damage, f.name+" is not a list")
		}
	}
	if o.Damage != "" {
		o.Damage = fmt.Sprintf("order %s in the database cannot be read: %s", r.ID, o.Damage)
	}
	return o
}

func toInt(n *int64) *int {
	if n == nil {
		return nil
	}
	v := int(*n)
	return &v
}

// Line is an order in a list.
type Line struct {
	ID        string
	Service   string
	State     order.State
	Status    order.Status
	Round     int
	Stage     order.Stage    // empty without a job
	Job       order.JobState // empty without a job
	Attempt   int
	RunAt     time.Time  // when its job may next run
	JobCode   order.Code // why not sooner
	JobReason string
	Price     *order.USD
	Brief     string
	Code      order.Code
	Reason    string
	Hint      string
	Created   time.Time
	Seen      time.Time
	Due       time.Time
	Delivered time.Time
	Ended     time.Time
}

// Work is one job of an order, as shown to people.
type Work struct {
	Kind    order.Kind
	Round   int
	Stage   order.Stage
	State   order.JobState
	Attempt int
	RunAt   time.Time // not before
	// Code, Reason and Hint are why it was put off, is held or failed.
	Code         order.Code
	Reason, Hint string
}

// Works returns all jobs of an order.
func (s *Store) Works(ctx context.Context, id string) ([]Work, error) {
	rows, err := s.read.OrderJobs(ctx, id)
	if err != nil {
		return nil, err
	}
	list := make([]Work, len(rows))
	for i, r := range rows {
		list[i] = Work{
			Kind: r.Kind, Round: int(r.Round), Stage: r.Stage, State: r.State, Attempt: int(r.Attempt),
			RunAt: laterOf(r.RunAt, r.NotBefore), Code: r.Code, Reason: r.Reason, Hint: r.Hint,
		}
	}
	return list, nil
}
