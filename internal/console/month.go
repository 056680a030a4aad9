package console

// month are the sums and plots of the last 30 days.
type month struct {
	Earned  string // today
	Figures []figure
	Plots   []plot
}
