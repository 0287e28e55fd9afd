// CoreDNS with the plug-ins that a cluster's own names need, and no more: the whole set brings
// the libraries of every cloud with it.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	// The order is that in which a query passes through them.
	dnsserver.Directives = []string{
		"reload", "health", "ready", "errors", "cache", "template", "hosts", "kubernetes",
	}
	coremain.Run()
}
