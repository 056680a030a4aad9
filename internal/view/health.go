package view

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"atelierd/internal/backup"
	"atelierd/internal/config"
	"atelierd/internal/control"
	"atelierd/internal/disk"
	"atelierd/internal/enroll"
	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// StuckLoops names the loops that are past their limits.
func StuckLoops(s control.State) []string {
	list := []string{}
	for _, l := range s.Loops {
		if l.Stuck > 0 {
			list = append(list, l.Name)
		}
	}
	return list
}

// Backup is the last backup by the section [backup].
type Backup struct {
	To string `json:"to"` // empty when they are off
	// Last is when the last one into To was made; zero if there is none. Next is when
	// another is due.
	Last  time.Time `json:"last,omitzero"`
	Next  time.Time `json:"next,omitzero"`
	Files int       `json:"files"`
	Bytes int64     `json:"bytes"`
	// Left is how many files it lacks, or has otherwise than the database.
	Left int `json:"left"`
	// Failed is why the newest one failed; empty if it did not.
	Failed string `json:"failed,omitempty"`
}

func viewBackup(cfg config.Backup, facts []store.Fact) Backup {
	v := Backup{To: cfg.To}
	for _, f := range facts {
		switch f.Name {
		case backup.FactLast:
			if l, ok := backup.ReadLast(f.Value); ok && l.To == cfg.To {
				v.Last, v.Next, v.Files, v.Bytes, v.Left = l.At, l.At.Add(cfg.Every), l.Files, l.Bytes, l.Left
			}
		case string(order.AlertBackup.Code()):
			v.Failed = f.Value
		}
	}
	return v
}

// Daemon is the process that works for the agent.
type Daemon struct {
	Running bool `json:"running"`
	PID     int  `json:"pid,omitzero"`
	// Version and Since are those of the daemon that runs.
	Version  string    `json:"version,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Stopping bool      `json:"stopping,omitzero"`
	// Silent: a daemon runs, and does not answer.
	Silent bool `json:"silent,omitzero"`
	// Stuck are its loops that are past their limits.
	Stuck []string `json:"stuck,omitempty"`
	// Crashed: none runs, and the last one ended without stopping. Why is what is known
	// of the reason.
	Crashed bool   `json:"crashed,omitzero"`
	Why     string `json:"why,omitempty"`
}

// Polls is when the marketplace was last reached, and when it is asked next.
type Polls struct {
	// Answered is when it last answered a poll; zero if it never did.
	Answered time.Time `json:"answered,omitzero"`
	Reached  bool      `json:"reached"`
	// Next is when the next poll is due; zero while one runs, and without a daemon.
	Next time.Time `json:"next,omitzero"`
	// Kept is how many of the Limit requests of the window are kept for deliveries. Both
	// are zero without a daemon, and where each kind is counted by itself.
	Kept  int `json:"kept"`
	Limit int `json:"limit"`
	// Error is why the last poll failed or was not sent.
	Error string `json:"error,omitempty"`
}

// AgentHealth is what the marketplace shows of the agent.
type AgentHealth struct {
	// Visible is null before the profile was read.
	Visible *bool `json:"visible"`
	// Flagged is null before the moderation was read.
	Flagged *bool     `json:"flagged"`
	ReadAt  time.Time `json:"read_at,omitzero"` // the older of the two
}

// Listings is whether the services on sale are as they are configured.
type Listings struct {
	Listed  int       `json:"listed"`
	Differ  int       `json:"differ"`
	Missing int       `json:"missing"`
	ReadAt  time.Time `json:"read_at,omitzero"`
}

// GeneratorHealth is a generator that a service uses.
type GeneratorHealth struct {
	Name        string    `json:"name"`
	PausedSince time.Time `json:"paused_since,omitzero"`
	Reason      string    `json:"reason,omitempty"`
}

// Disk is the room on the disk of the data folder; zero if it is unknown.
type Disk struct {
	Free int64 `json:"free_bytes"`
	Low  bool  `json:"low"`
	// Files is what the files of orders take, and PerDay what was added in a day lately.
	Files  int64 `json:"files_bytes"`
	PerDay int64 `json:"bytes_per_day"`
	// Days is how long the room lasts at that rate. It is null if nothing was stored
	// lately, if as much is removed by then as comes, or if that is a hundred years.
	Days *int `json:"days_left"`
}

// Waiting is an order that waits for its delivery.
type Waiting struct {
	ID      string    `json:"id"`
	Service string    `json:"service"`
	Since   time.Time `json:"since"`
	DueAt   time.Time `json:"due_at,omitzero"`
}

// viewDaemon returns the process that holds the folder. A heartbeat answers no commands.
func viewDaemon(pid int, s control.State, answers bool, last order.Run) Daemon {
	if pid == 0 {
		return Daemon{Crashed: !last.BeganAt.IsZero() && last.EndedAt.IsZero(), Why: last.Note}
	}
	v := Daemon{Running: true, PID: pid, Version: last.Version, Since: last.BeganAt, Silent: !answers}
	if answers {
		v.Version, v.Since, v.Stopping, v.Stuck = s.Version, s.Since, s.Stopping, StuckLoops(s)
	}
	return v
}

// viewPolls returns when the marketplace was reached. within is how old the last answer may
// be.
func viewPolls(answered time.Time, within time.Duration, p control.Poll, now time.Time) Polls {
	return Polls{
		Answered: answered, Reached: !answered.IsZero() && now.Sub(answered) <= within,
		Next: p.Next, Kept: p.Kept, Limit: p.Limit, Error: p.Error,
	}
}

func viewAgentHealth(facts []store.Fact) (v AgentHealth) {
	hidden, flagged := false, false
	var profile, moderation time.Time
	for _, f := range facts {
		switch f.Name {
		case string(order.AlertHidden.Code()):
			hidden = true
		case string(order.AlertFlaggedAgent.Code()):
			flagged = true
		case enroll.FactRead:
			profile = f.Since
		case enroll.FactDue:
			moderation = f.Since
		}
	}
	if visible := !hidden; !profile.IsZero() {
		v.Visible, v.ReadAt = &visible, profile
	}
	if !moderation.IsZero() {
		v.Flagged = &flagged
		if v.ReadAt.IsZero() || moderation.Before(v.ReadAt) {
			v.ReadAt = moderation
		}
	}
	return v
}

func viewListings(services []Service, facts []store.Fact) (v Listings) {
	for _, s := range services {
		switch s.State {
		case string(order.ServiceListed), ServicePaused:
			v.Listed++
		case ServiceDiffers:
			v.Listed++
			v.Differ++
		case string(order.ServiceWanted), string(order.ServiceCreating), string(order.ServiceHeld):
			v.Missing++
		}
	}
	for _, f := range facts {
		if f.Name == enroll.FactRead {
			v.ReadAt = f.Since
		}
	}
	return v
}

// viewGeneratorHealth returns the generators that the services use, and those that take
// over from them. The assistant is one of them where a service asks it something.
func viewGeneratorHealth(cfg *config.Config, paused map[string]store.Fact) []GeneratorHealth {
	used := map[string]bool{}
	for _, s := range cfg.Services {
		used[s.Generator] = true
		for _, name := range cfg.Generators[s.Generator].Fallback {
			used[name] = true
		}
		if len(s.Assist) > 0 {
			used[order.Assistant] = true
		}
	}
	list := []GeneratorHealth{}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		f := paused[name]
		list = append(list, GeneratorHealth{Name: name, PausedSince: f.Since, Reason: f.Value})
	}
	return list
}

// manyDays is more than an owner counts.
const manyDays = 36_500

func viewDisk(cfg *config.Config, st store.Stored) Disk {
	v := Disk{Files: st.Kept, PerDay: int64(float64(st.Lately) / st.Within.Hours() * 24)}
	free, err := disk.Free(cfg.DataDir)
	if err != nil {
		return v
	}
	v.Free, v.Low = free, len(LowDisk(cfg.DataDir)) > 0
	if v.PerDay == 0 || v.enough(cfg.History) {
		return v
	}
	if days := int(free / v.PerDay); days < manyDays {
		v.Days = &days
	}
	return v
}

// enough reports whether so much is removed in time that the room lasts.
func (v Disk) enough(keep config.History) bool {
	most := int64(math.MaxInt64)
	if days := int64(keep.Files.Hours() / 24); days > 0 {
		most = days * v.PerDay
	}
	if keep.MaxBytes > 0 {
		most = min(most, keep.MaxBytes)
	}
	return most-v.Files <= v.Free
}

func viewWaiting(w order.Waiting) Waiting {
	return Waiting{ID: w.ID, Service: cmp.Or(w.Service, "unknown service"), Since: w.Since, DueAt: w.DueAt}
}

// LowDisk is what the owner has to know of a disk without room for another file. It asks
// the file system, because nothing can be stored there.
func LowDisk(dir string) []order.Condition {
	free, err := disk.Free(dir)
	if err != nil || free >= fulfill.LeastRoom {
		return nil
	}
	return []order.Condition{{
		What: "daemon", ID: string(order.AlertDisk), Code: order.AlertDisk.Code(), State: "held",
		Reason: fmt.Sprintf("%s are free in %s; below %s no generator is started, and without room nothing is done", words.Size(free), dir, words.Size(fulfill.LeastRoom)),
		Hint:   "make room in the data folder; work resumes by itself",
	}}
}
