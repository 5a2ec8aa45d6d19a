// Command reverse-proxy is Go's httputil.ReverseProxy in front of one target: the proxy that elector sidecars written in Go use.
package main

import (
	"flag"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// buffers spares an allocation per body, as careful users of ReverseProxy do.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte  { return *b.pool.Get().(*[]byte) }
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	target := flag.String("target", "", "URL of the target")
	flag.Parse()
	to, err := url.Parse(*target)
	if err != nil || to.Host == "" {
		log.Fatalf("--target: %q is not a URL", *target)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// The default keeps two idle connections per host, and would measure connection set-up.
	transport.MaxIdleConns = 1024
	transport.MaxIdleConnsPerHost = 1024
	transport.DisableCompression = true
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
		},
		Transport:  transport,
		BufferPool: &buffers{sync.Pool{New: func() any { p := make([]byte, 32<<10); return &p }}},
	}
	log.Fatal(http.ListenAndServe(*listen, proxy))
}
