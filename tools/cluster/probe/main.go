// Probe is what the harness' own tests run in pods.
//
//	probe serve           answers on port 8080 with the pod's name and its client's address;
//	                      /metrics counts the answers
//	probe get URL         prints what is answered
//	probe lookup NAME     prints the addresses of a name
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const patience = 5 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 1 && arguments[0] == "serve":
		http.HandleFunc("/", answer)
		http.HandleFunc("/metrics", metrics)
		return http.ListenAndServe(":8080", nil)
	case len(arguments) == 2 && arguments[0] == "get":
		return get(arguments[1])
	case len(arguments) == 2 && arguments[0] == "lookup":
		return lookup(arguments[1])
	}
	return fmt.Errorf("usage: probe serve | get URL | lookup NAME")
}

var answers atomic.Int64

func answer(response http.ResponseWriter, request *http.Request) {
	host, _ := os.Hostname()
	address, _, _ := net.SplitHostPort(request.RemoteAddr)
	answers.Add(1)
	fmt.Fprintln(response, host, address)
}

func metrics(response http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(response, "# TYPE probe_answers_total counter\nprobe_answers_total %d\n", answers.Load())
}

func get(url string) error {
	client := http.Client{Timeout: patience}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

func lookup(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	if err == nil {
		fmt.Println(strings.Join(addresses, " "))
	}
	return err
}
