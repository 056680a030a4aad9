//go:build !linux

package metrics

func usage() used { return used{} }
