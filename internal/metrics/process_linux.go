package metrics

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func usage() (u used) {
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			pages, _ := strconv.ParseFloat(fields[1], 64) // 0 is unknown
			u.resident = pages * float64(os.Getpagesize())
		}
	}
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.open = float64(len(list) - 1) // one of them reads this list
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		u.most = float64(limit.Cur)
	}
	var times unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &times) == nil {
		u.cpu = time.Duration(times.Utime.Nano() + times.Stime.Nano()).Seconds()
	}
	return u
}
