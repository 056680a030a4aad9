package metrics

import "runtime"

// process adds what the process uses. The names are those of the Prometheus libraries.
func (p *Page) process() {
	p.Value("go_goroutines", "Goroutines that exist.", float64(runtime.NumGoroutine()))
	u := usage()
	if u.resident > 0 {
		p.Value("process_resident_memory_bytes", "Memory in use.", u.resident)
	}
	if u.open > 0 {
		p.Value("process_open_fds", "File descriptors that are open.", u.open)
	}
	if u.most > 0 {
		p.Value("process_max_fds", "File descriptors that may be open.", u.most)
	}
	if u.cpu > 0 {
		p.family("process_cpu_seconds_total", "Time that the processors have worked for the process.", typeCounter)
		p.Sample("process_cpu_seconds_total", u.cpu)
	}
}

// used is what the process uses. What the system does not report is 0.
type used struct{ resident, open, most, cpu float64 }
