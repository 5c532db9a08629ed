// Serves each certificate of a tree and connects to it, with Go's own TLS; prints a JSON object of the results.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

type fixture struct {
	Name, Chain, Key, Trust, Host string
}

func main() {
	folder := os.Args[1]
	text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		panic(err)
	}
	var expected struct{ Fixtures []fixture }
	if err := json.Unmarshal(text, &expected); err != nil {
		panic(err)
	}
	results := map[string]string{}
	for _, fixture := range expected.Fixtures {
		results[fixture.Name] = meet(folder, fixture)
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		panic(err)
	}
}

func meet(folder string, fixture fixture) string {
	path := func(name string) string { return filepath.Join(folder, name) }
	pair, err := tls.LoadX509KeyPair(path(fixture.Chain), path(fixture.Key))
	if err != nil {
		return fmt.Sprint("cannot be loaded: ", err)
	}
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(path(fixture.Trust))
	if err != nil {
		panic(err)
	}
	roots.AppendCertsFromPEM(pem)
	ours, theirs := net.Pipe()
	go func() {
		server := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{pair}})
		server.Handshake()
		theirs.Close()
	}()
	client := tls.Client(ours, &tls.Config{RootCAs: roots, ServerName: fixture.Host})
	defer ours.Close()
	err = client.Handshake()
	if err == nil {
		return "accepts"
	}
	return "refuses: " + reason(err)
}

// reason is the innermost cause, without names, times and paths, which differ from tree to tree.
func reason(err error) string {
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid):
		return map[x509.InvalidReason]string{
			x509.NotAuthorizedToSign:    "NotAuthorizedToSign",
			x509.Expired:                "Expired",
			x509.CANotAuthorizedForThisName: "CANotAuthorizedForThisName",
			x509.TooManyIntermediates:   "TooManyIntermediates",
			x509.IncompatibleUsage:      "IncompatibleUsage",
		}[invalid.Reason]
	case errors.As(err, &host):
		return "HostnameError"
	case errors.As(err, &unknown):
		return "UnknownAuthorityError"
	case errors.As(err, &x509.UnhandledCriticalExtension{}):
		return "UnhandledCriticalExtension"
	}
	return fmt.Sprintf("%v", err)
}
