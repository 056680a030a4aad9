package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of argon2id: the least that OWASP recommends (its Password Storage Cheat Sheet).
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	threads = 1
)

const (
	saltBytes = 16
	keyBytes  = 32
)

// minPassword and maxPassword limit a password, in characters and in bytes.
const (
	minPassword = 12
	maxPassword = 200
)

// one allows one computation at a time, so that many log-ins cannot take all memory.
var one sync.Mutex

// CheckPassword returns why a text is no password, or nil.
func CheckPassword(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return fmt.Errorf("the password has %d characters; write %d or more", n, minPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("the password has %d bytes; write at most %d", len(password), maxPassword)
	}
	return nil
}

// hashPassword returns what is stored of a password.
func hashPassword(password string) string {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // it never fails
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key(password, salt, cost{memory, passes, threads})))
}

type cost struct {
	memory, passes uint32
	threads        uint8
}

func key(password string, salt []byte, c cost) []byte {
	one.Lock()
	defer one.Unlock()
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, keyBytes)
}

// passwordFits reports whether a password is the stored one. For a stored text that is
// none it takes as long.
func passwordFits(stored, password string) bool {
	if len(password) > maxPassword {
		return false
	}
	c, salt, want, ok := parsePassword(stored)
	if !ok {
		key(password, make([]byte, saltBytes), cost{memory, passes, threads})
		return false
	}
	return subtle.ConstantTimeCompare(key(password, salt, c), want) == 1
}

func parsePassword(stored string) (c cost, salt, want []byte, ok bool) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return c, nil, nil, false
	}
	var version int
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &c.memory, &c.passes, &c.threads); err != nil || version != argon2.Version {
		return c, nil, nil, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return c, nil, nil, false
	}
	want, err = base64.RawStdEncoding.DecodeString(parts[5])
	return c, salt, want, err == nil && len(want) == keyBytes && c.passes > 0 && c.threads > 0 && c.memory <= 4*memory
}
