package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/credential"
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
	if cfg.NATS.Key.On() {
		seed, _ := readSecret(cfg.NATS.Key, os.Getenv) // what cannot be read is in no file
		add("the nkey", seed)
	}
	for name, g := range cfg.Generators {
		for _, key := range []func() (secret.Text, error){keyIn("the generator", g.Key), keyIn("the generator", g.PartnerKey)} {
			if key != nil {
				text, _ := key()
				add("the key of generator "+name, text)
			}
		}
		variables, _ := exec.Secrets(g.Env)
		list = append(list, variables...)
	}
	for _, n := range cfg.Notify {
		for _, text := range []func() (secret.Text, error){textIn(n.Token), textIn(n.Address)} {
			if text != nil {
				value, _ := text()
				add("a secret of notify "+n.Name, value)
			}
		}
		variables, _ := exec.Secrets(n.Env)
		list = append(list, variables...)
	}
	for _, key := range []config.Secret{cfg.Storage.AccessKey, cfg.Storage.SecretKey} {
		if key.On() {
			text, _ := readSecret(key, os.Getenv)
			add("a key of [storage]", text)
		}
	}
	if cfg.Assistant.Key.On() {
		text, _ := readSecret(cfg.Assistant.Key, os.Getenv)
		add("the key of [assistant]", text)
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

// readSecret reads a secret from its place. Its errors are *credential.Error.
func readSecret(s config.Secret, getenv func(string) string) (secret.Text, error) {
	folder := getenv(credential.EnvFolder)
	switch {
	case s.Credential != "":
		return credential.ReadCredential(folder, s.Credential)
	case s.Env == "":
		return credential.ReadSecret(s.File, folder)
	}
	text := strings.TrimSpace(getenv(s.Env))
	if text == "" {
		return secret.Text{}, &credential.Error{Err: fmt.Errorf("the variable %s is not set", s.Env), Hint: "set " + s.Env + " and restart"}
	}
	return secret.New(text), nil
}

// configuredSecret returns what webhooks are signed with by the configuration; empty where
// it leaves that to the marketplace.
func configuredSecret(cfg config.Webhook, getenv func(string) string) (text secret.Text, err error) {
	if !cfg.Secret.On() {
		return text, nil
	}
	if text, err = readSecret(cfg.Secret, getenv); err != nil {
		e, _ := errors.AsType[*credential.Error](err)
		return text, &credential.Error{Err: fmt.Errorf("the webhook secret cannot be read: %w", err), Hint: e.Hint}
	}
	return text, nil
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
	list := []string{filepath.Join(cfg.DataDir, credentialsFile), filepath.Join(cfg.Dir, guideFile)}
	if c != nil {
		list = append(list, c.From()) // a .env file, perhaps
	}
	folder := os.Getenv(credential.EnvFolder)
	for _, s := range cfg.Secrets() {
		list = append(list, s.File)
		if s.Credential != "" && folder != "" {
			list = append(list, filepath.Join(folder, s.Credential))
		}
	}
	list = slices.DeleteFunc(list, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || info.IsDir()
	})
	slices.Sort(list)
	return slices.Compact(list)
}
