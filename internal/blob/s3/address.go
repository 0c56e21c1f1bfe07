package s3

import (
	"net/url"
	"strings"

	"github.com/atelier-ml/atelier"
)

// Address is where a bucket is: s3://BUCKET/PREFIX?endpoint=URL&region=NAME.
type Address struct {
	Bucket   string
	Prefix   string // "" or a path without slashes around it
	Host     string // host and port of the service
	Insecure bool   // http instead of https
	Region   string // "" when the service is to be asked
}

// amazon is the service where no endpoint is given.
const amazon = "s3.amazonaws.com"

const addressHint = "Write s3://BUCKET/PREFIX?endpoint=URL&region=NAME; all but the bucket may be left out."

// ParseAddress reads an address. It never repeats the text in an error, which
// may hold a secret that somebody put there against all advice.
func ParseAddress(text string) (Address, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "s3" || parsed.Host == "" || parsed.Fragment != "" || parsed.Port() != "" {
		return Address{}, atelier.Errorf(atelier.Invalid, "The storage's address cannot be read.").At("storage").WithHint(addressHint)
	}
	if parsed.User != nil {
		return Address{}, atelier.Errorf(atelier.Invalid, "The storage's address holds credentials, and addresses are shown and logged.").At("storage").
			WithHint("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use the file ~/.aws/credentials.")
	}
	address := Address{Bucket: parsed.Host, Prefix: strings.Trim(parsed.Path, "/"), Host: amazon}
	query, err := url.ParseQuery(parsed.RawQuery)
	if err != nil {
		return Address{}, atelier.Errorf(atelier.Invalid, "The storage's address cannot be read.").At("storage").WithHint(addressHint)
	}
	for key, values := range query {
		switch key {
		case "endpoint":
			err = address.setEndpoint(values[0])
		case "region":
			address.Region = values[0]
		default:
			err = atelier.Errorf(atelier.Invalid, "The storage's address has a part that is neither endpoint nor region.").At("storage").WithHint(addressHint)
		}
		if err != nil {
			return Address{}, err
		}
	}
	return address, nil
}

func (a *Address) setEndpoint(text string) error {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	endpoint, err := url.Parse(text)
	bad := err != nil || endpoint.Host == "" || endpoint.User != nil || strings.Trim(endpoint.Path, "/") != "" ||
		endpoint.Scheme != "http" && endpoint.Scheme != "https"
	if bad {
		return atelier.Errorf(atelier.Invalid, "The endpoint in the storage's address is no address of a server.").At("storage").
			WithHint("Write it like https://s3.example.org or http://127.0.0.1:9000.")
	}
	a.Host, a.Insecure = endpoint.Host, endpoint.Scheme == "http"
	return nil
}

// String is the bucket and the prefix, as people call the place.
func (a Address) String() string {
	return strings.TrimSuffix("s3://"+a.Bucket+"/"+a.Prefix, "/")
}

// key is the name of something below the prefix.
func (a Address) key(parts ...string) string {
	if a.Prefix != "" {
		parts = append([]string{a.Prefix}, parts...)
	}
	return strings.Join(parts, "/")
}
