package config

import (
	"regexp"
	"strings"
)

// Secret names the place of a secret, which is never in the configuration itself. At most
// one field is set.
type Secret struct {
	// File is the absolute path of a file that holds the secret.
	File string
	// Env is a variable of the environment.
	Env string
	// Credential is a file in the folder $CREDENTIALS_DIRECTORY, where systemd puts it.
	Credential string
}

// On reports whether a place is named.
func (s Secret) On() bool { return s != Secret{} }

// secretForms are the ends of the keys that name the place of a secret.
var secretForms = []string{"_file", "_env", "_credential"}

// credentialName matches what systemd accepts as the name of a credential.
var credentialName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$`)

// secret reads where a secret is: KEY_file, KEY_env or KEY_credential.
func (t *table) secret(key, dir string) Secret {
	s := Secret{File: within(dir, t.text(key+"_file", "")), Env: t.text(key+"_env", ""), Credential: t.credential(key + "_credential")}
	first := ""
	for _, form := range secretForms {
		switch {
		case t.text(key+form, "") == "":
		case first != "":
			t.problem(t.at(key+form), "is set next to %s; remove one of them", first)
		default:
			first = key + form
		}
	}
	if s.Env != "" && !variable.MatchString(s.Env) {
		word := "secret"
		if strings.HasSuffix(key, "key") {
			word = "key"
		}
		t.problem(t.at(key+"_env"), "is not the name of an environment variable; write its name, never the %s itself", word)
	}
	return s
}

// credential reads the name of a systemd credential.
func (t *table) credential(key string) string {
	name := t.text(key, "")
	if t.has(key) && !credentialName.MatchString(name) {
		t.problem(t.at(key), "is not the name of a credential; write the NAME of a line LoadCredential=NAME:FILE of the unit")
	}
	return name
}

// names reports whether one of the places of a secret is named.
func (t *table) names(key string) bool {
	for _, form := range secretForms {
		if t.has(key + form) {
			return true
		}
	}
	return false
}

// Secrets returns the places of all secrets that the configuration names. Their order is
// not fixed.
func (c *Config) Secrets() []Secret {
	list := []Secret{c.Webhook.Secret, c.Ping.Secret, c.NATS.Key, {Credential: c.Agent.KeyCredential}, c.Storage.AccessKey, c.Storage.SecretKey, c.Assistant.Key}
	for _, g := range c.Generators {
		list = append(list, g.Key, g.PartnerKey)
	}
	for _, n := range c.Notify {
		list = append(list, n.Token, n.Address)
	}
	return list
}
