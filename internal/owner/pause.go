package owner

import "context"

// Pause has the daemon begin no work until Resume, also after a restart. A stage
// that already runs is finished, and polls continue.
func (a *Actions) Pause(reason string) error { return a.st.Pause(reason) }

// Resume ends a Pause. It fails if there is none.
func (a *Actions) Resume() error { return a.st.Resume() }

// Paused returns who has paused the daemon and why; "" if nobody has.
func (a *Actions) Paused(ctx context.Context) (string, error) { return a.st.Paused(ctx) }

// ResumeGenerator ends the pause of a generator that failed, before a probe would. It
// fails if the generator is not paused.
func (a *Actions) ResumeGenerator(name string) error { return a.st.ResumeGenerator(name) }
