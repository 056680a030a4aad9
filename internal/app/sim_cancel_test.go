package app

import (
	"database/sql"
	"net/http"
	"path"
	"strings"
	"time"

	"atelierd/internal/order"
)

// This file is the end of a provider's jobs in the simulated week: orders end while their
// jobs run, and no job may run on that nobody needs.

// canceled is Replicate's word for a job that was cancelled.
const canceled = "canceled"

// cancelOf returns the job that a request is to cancel.
func cancelOf(r *http.Request) (id string, ok bool) {
	at, ok := strings.CutSuffix(r.URL.Path, "/cancel")
	return path.Base(at), ok && r.Method == http.MethodPost
}

// cancel ends a job that runs. Some requests fail, and some answers are lost.
func (s *paidProvider) cancel(w http.ResponseWriter, id string, luck float64) {
	job := s.jobs[id]
	switch {
	case !job.known():
		w.WriteHeader(http.StatusNotFound)
		return
	case !s.calm && luck < 0.2:
		w.WriteHeader(http.StatusBadGateway)
		return
	case !time.Now().Before(job.ready):
		s.late++
	default:
		job.ends, job.why, job.ready = canceled, "", time.Now()
		if s.shape == shapeRecipe {
			job.cost /= 3 // the part that was made
		}
	}
	if !s.calm && luck < 0.4 {
		panic(http.ErrAbortHandler)
	}
	s.tell(w, id, job.ends, job)
}

// checkCancelled holds that a job whose order ended was cancelled or had ended, and that
// its call is settled. Nothing is cancelled that is needed.
func (w *world) checkCancelled(db *sql.DB) {
	s := w.provider
	if s.late > 0 {
		w.t.Errorf("%d jobs that had ended were cancelled", s.late)
	}
	var lost int
	err := db.QueryRow(`SELECT count(*) FROM calls AS c JOIN jobs AS j ON j.id = c.job_id
		WHERE c.state = 'submitted' AND c.cancels = 1 AND (j.state = 'cancelled' OR c.cancel_wanted_at IS NOT NULL)`).Scan(&lost)
	if err != nil || lost != 0 {
		w.t.Errorf("%d calls of work that has ended are open, %v", lost, err)
	}
	wanted := map[string]bool{}
	rows := must(db.Query("SELECT ticket, closed_at, cancel_tries FROM calls WHERE cancel_wanted_at IS NOT NULL AND closed_at IS NOT NULL"))
	defer rows.Close()
	for rows.Next() {
		var ticket, closed string
		var tries int
		if err := rows.Scan(&ticket, &closed, &tries); err != nil {
			w.t.Fatal(err)
		}
		wanted[ticket] = true
		at := must(time.Parse(time.RFC3339, closed))
		if j := s.jobs[ticket]; j != nil && j.ready.After(at.Add(time.Second)) && tries < order.CancelTries {
			w.t.Errorf("job %s went on until %s, though its call was settled at %s after %d tries", ticket, j.ready, at, tries)
		}
	}
	for id, j := range s.jobs {
		if j.ends == canceled && !wanted[id] && !w.restores.any() {
			w.t.Errorf("job %s was cancelled, and nobody wanted that", id)
		}
	}
}

// unwanted returns the jobs that were not needed any more, so that another was made.
func unwanted(db *sql.DB) map[string]bool {
	list := map[string]bool{}
	rows := must(db.Query("SELECT ticket FROM calls WHERE cancel_wanted_at IS NOT NULL"))
	defer rows.Close()
	for rows.Next() {
		var ticket string
		if rows.Scan(&ticket) == nil {
			list[ticket] = true
		}
	}
	return list
}
