package main_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/sandbox"
)

// A sample whose command is killed while the provider works on it is paid for once, and
// its result is fetched by the next command. It is shown until then.
func TestASampleIsPaidForOnceAcrossAKill(t *testing.T) {
	t.Parallel()
	for name, shape := range providerShapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newCharging(t.Cleanup, 1, 0)
			s := newFixtureWith(t, sandbox.Options{Seed: 1}, strings.ReplaceAll(shape, "PROVIDER/", p.url+"/"))
			s.write("workflow.json", comfyWorkflow, 0o600)
			s.env = append(s.env, "PROVIDER_KEY=secret")
			try := func(args ...string) *exec.Cmd {
				cmd := exec.Command(program, append([]string{"generators", "try", "studio", "--config", filepath.Join(s.dir, "atelierd.toml")}, args...)...)
				cmd.Env = slices.Clone(s.env)
				return cmd
			}
			doomed := &child{Cmd: try("--prompt", "a slow picture 1", "--yes")}
			doomed.Stdout, doomed.Stderr = &doomed.log, &doomed.log
			s.launch(doomed)
			s.until("it was never paid for", func() bool { return p.paid() == 1 })
			s.until("its id is not stored", func() bool { return s.count("SELECT count(*) FROM calls WHERE state = 'submitted'") == 1 })
			if out, err := try("--resume").CombinedOutput(); err == nil || !strings.Contains(string(out), "another command makes a sample") {
				t.Errorf("a second command said %s, %v", out, err)
			}
			doomed.kill()
			if out, err := try("--prompt", "another", "--yes").CombinedOutput(); err == nil || !strings.Contains(string(out), "--resume studio") {
				t.Errorf("another sample was begun next to the open one: %s, %v", out, err)
			}
			p.release()
			out, err := try("--resume").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "samples/studio-1.png") {
				t.Errorf("the result was not fetched: %s, %v", out, err)
			}
			if n := p.paid(); n != 1 {
				t.Errorf("%d samples were paid for, want one", n)
			}
			if n := s.count("SELECT count(*) FROM calls WHERE job_id IS NULL AND state = 'done'"); n != 1 {
				t.Errorf("%d samples are recorded as done, want one", n)
			}
		})
	}
}
