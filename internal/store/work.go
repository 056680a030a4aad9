package store

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// MostWaiting is how many waiting jobs of a lane OpenJobs reads.
const MostWaiting = 1000

// OpenJob is a job that waits or runs.
type OpenJob struct {
	Order   string
	Service string // of the configuration; "" if none
	Kind    order.Kind
	Round   int
	Stage   order.Stage
	State   order.JobState
	Due     time.Time
	RunAt   time.Time
	Changed time.Time // when its attempt began, if it runs
	Code    order.Code
}

// OpenJobs returns the jobs that run, and those that wait first, in the order in which
// they are leased.
func (s *Store) OpenJobs(ctx context.Context) ([]OpenJob, error) {
	running, err := s.read.JobsAtWork(ctx)
	if err != nil {
		return nil, err
	}
	var list []OpenJob
	for _, j := range running {
		list = append(list, openJob(query.JobsWaitingRow(j)))
	}
	for _, lane := range []order.Lane{order.LaneNetwork, order.LaneGenerate} {
		waiting, err := s.read.JobsWaiting(ctx, query.JobsWaitingParams{Lane: lane, Most: MostWaiting})
		if err != nil {
			return nil, err
		}
		for _, j := range waiting {
			list = append(list, openJob(j))
		}
	}
	return list, nil
}

func openJob(j query.JobsWaitingRow) OpenJob {
	return OpenJob{
		Order: j.OrderID, Service: j.Service, Kind: j.Kind, Round: int(j.Round), Stage: j.Stage, State: j.State,
		Due: j.DueAt.Time, RunAt: laterOf(j.RunAt, j.NotBefore), Changed: j.ChangedAt.Time, Code: j.Code,
	}
}
