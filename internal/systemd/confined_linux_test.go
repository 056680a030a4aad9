package systemd

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAServiceThatIsConfinedKnowsIt runs this test again as a process that denies itself
// memory that is writable and executable, because that lasts.
func TestAServiceThatIsConfinedKnowsIt(t *testing.T) {
	t.Parallel()
	service := func(string) string { return "x" }
	if os.Getenv("SYSTEMD_TEST_CONFINE") == "" {
		if deniesCode() || deniesNamespaces() {
			t.Skip("this machine denies it to all")
		}
		if Confined(service) {
			t.Error("a free process is confined")
		}
		child := exec.Command(os.Args[0], "-test.run=^TestAServiceThatIsConfinedKnowsIt$", "-test.v")
		child.Env = append(os.Environ(), "SYSTEMD_TEST_CONFINE=yes")
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if err := unix.Prctl(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0); err != nil {
		t.Skip("the kernel knows no such denial: ", err)
	}
	if !Confined(service) {
		t.Error("a confined process does not know it")
	}
	if Confined(func(string) string { return "" }) {
		t.Error("a process that is no service is confined")
	}
}
