package app

import (
	"context"
	"errors"
	"net"
	"net/http"

	"atelierd/internal/config"
	"atelierd/internal/serve"
)

// OpenPort takes the port for webhooks; it returns nil when they are off. It is
// done before anything runs, because the address may be taken or the secret
// missing.
func OpenPort(o Options) (net.Listener, error) {
	o = o.withDefaults()
	if !o.Config.Webhook.On() {
		return nil, nil
	}
	if _, err := configuredSecret(o.Config.Webhook, o.Getenv); err != nil {
		return nil, err
	}
	return o.listen("webhook", "tcp", o.Config.Webhook.Listen)
}

// openMetricsPort takes the port for metrics. Only a daemon serves them.
func (a *App) openMetricsPort() (err error) {
	a.metricsPort, err = OpenMetricsPort(a.o)
	return err
}

// OpenMetricsPort listens on the port for metrics; it returns nil when they are off.
func OpenMetricsPort(o Options) (net.Listener, error) {
	o = o.withDefaults()
	if !o.Config.Metrics.On() {
		return nil, nil
	}
	return o.listen("metrics", "tcp", o.Config.Metrics.Listen)
}

// listen takes the address that a section of the configuration has under listen.
func (o Options) listen(section, network, address string) (net.Listener, error) {
	l, err := o.Listen(network, address)
	if err != nil {
		return nil, &config.Error{
			Problems: []config.Problem{{Key: section + ".listen", Text: serve.ListenError(address, err).Error()}},
			Hint:     "choose another address in [" + section + "] listen, or leave it out",
		}
	}
	return l, nil
}

// servePort serves h on l until ctx ends. Without a listener it only waits.
func servePort(ctx context.Context, l net.Listener, h http.Handler) error {
	if l == nil {
		<-ctx.Done()
		return nil
	}
	if err := serve.Run(ctx, l, h); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
