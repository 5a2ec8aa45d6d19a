module leasegate.dev/bench/reverse-proxy

go 1.26
