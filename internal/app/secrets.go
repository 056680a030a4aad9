package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/generate/exec"
	"atelierd/internal/secret"
)

// secrets returns everything that no client, log or generator may see: the agent's key,
// the webhook secrets and the generators' keys. What cannot be read now is left out,
// and reported where it is needed. c may be nil.
func secrets(cfg *config.Config, c *Credentials) []secret.Named {
	var list []secret.Named
	add := func(name string, texts ...secret.Text) {
		for _, text := range texts {
			list = append(list, secret.Named{Name: name, Text: text})
		}
	}
	if c != nil {
		add("the agent's key", c.current().Key)
		add("the webhook secret", c.webhookSecrets()...)
		configured, _ := configuredSecret(cfg.Webhook, c.sources.Getenv)
		add("the webhook secret", configured)
	}
	for name, g := range cfg.Generators {
		for _, key := range []func() (secret.Text, error){keyOf(g), partnerKeyOf(g)} {
			if key != nil {
				text, _ := key()
				add("the key of generator "+name, text)
			}
		}
		variables, _ := exec.Secrets(g.Env)
		list = append(list, variables...)
	}
	for _, n := range cfg.Notify {
		for _, text := range []func() (secret.Text, error){textIn(n.TokenEnv, n.TokenFile), textIn(n.URLEnv, n.URLFile)} {
			if text != nil {
				value, _ := text()
				add("a secret of notify "+n.Name, value)
			}
		}
		variables, _ := exec.Secrets(n.Env)
		list = append(list, variables...)
	}
	if address := pingURL(cfg.Ping); address != nil {
		text, _ := address()
		add("the address of [ping]", text)
	}
	for _, s := range cfg.Services {
		if s.Quote != nil {
			variables, _ := exec.Secrets(s.Quote.Env)
			list = append(list, variables...)
		}
	}
	return slices.DeleteFunc(list, func(n secret.Named) bool { return n.Text.Empty() })
}

// redactor returns a redactor of the secrets as they are now.
func redactor(cfg *config.Config, c *Credentials) *secret.Redactor {
	return secret.NewRedactor(secrets(cfg, c))
}

// secretIn returns the name of a secret that the text contains, or "".
func secretIn(cfg *config.Config, c *Credentials, text string) string {
	name, _ := redactor(cfg, c).FindIn(strings.NewReader(text)) // text in memory can be read
	return name
}

// checkText returns an error if a text of the owner's to a client contains a secret.
func checkText(cfg *config.Config, getenv func(string) string, text string) error {
	c, _, err := FindCredentials(cfg, getenv)
	if err != nil {
		c = nil // the daemon reports it; the generators' keys are still known
	}
	if name := secretIn(cfg, c, text); name != "" {
		return fmt.Errorf("the text contains %s, so it was not sent", name)
	}
	return nil
}

// KeyFiles returns the files that hold the agent's key, the webhook secret, the generators'
// keys, and the secrets of notifications and pings. c may be nil.
func KeyFiles(cfg *config.Config, c *Credentials) []string {
	list := []string{filepath.Join(cfg.DataDir, credentialsFile), filepath.Join(cfg.Dir, guideFile), cfg.Webhook.SecretFile}
	if c != nil {
		list = append(list, c.From()) // a .env file, perhaps
	}
	for _, g := range cfg.Generators {
		list = append(list, g.KeyFile, g.PartnerKeyFile)
	}
	for _, n := range cfg.Notify {
		list = append(list, n.TokenFile, n.URLFile)
	}
	list = append(list, cfg.Ping.URLFile)
	list = slices.DeleteFunc(list, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || info.IsDir()
	})
	slices.Sort(list)
	return slices.Compact(list)
}
