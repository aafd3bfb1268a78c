// The only container of every pod on the hosts for tests: it waits until it is told to end.
//
// It stands in for registry.k8s.io/pause, both as what holds a pod's network and as what a test's
// pods run.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for each := range signals {
		if each != syscall.SIGCHLD {
			return
		}
		// The first process of a pod takes over those whose parents have ended.
		for {
			if gone, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); gone <= 0 || err != nil {
				break
			}
		}
	}
}
