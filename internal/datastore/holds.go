package datastore

import (
	"cmp"
	"net/url"
	"strings"
)

// Holds reports whether an address such as s3://BUCKET/KEY, gs://BUCKET/KEY,
// wasbs://CONTAINER@ACCOUNT.blob.HOST/PATH, abfss://FILESYSTEM@ACCOUNT.dfs.HOST/PATH
// or https://ACCOUNT.blob.HOST/CONTAINER/PATH lies in d, and where.
func (d Datastore) Holds(address string) (below string, ok bool) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.RawQuery != "" {
		return "", false
	}
	at := strings.TrimPrefix(parsed.Path, "/")
	switch {
	case d.Type == S3 && parsed.Scheme == "s3", d.Type == GCS && parsed.Scheme == "gs":
		if parsed.Host != d.Bucket {
			return "", false
		}
		return under(d.Prefix, at)
	case d.Type != AzureBlob && d.Type != AzureLake:
		return "", false
	}
	end := cmp.Or(d.Endpoint, "core.windows.net")
	blob, dfs := d.AccountName+".blob."+end, d.AccountName+".dfs."+end
	switch parsed.Scheme {
	case "wasbs", "wasb", "abfss", "abfs":
		return at, (parsed.Host == blob || parsed.Host == dfs) && parsed.User.Username() == d.container()
	case "https":
		if parsed.Host != blob {
			return "", false
		}
		return under(d.container(), at)
	}
	return "", false
}

// under returns where at lies below prefix.
func under(prefix, at string) (string, bool) {
	if prefix == "" || at == prefix {
		return strings.TrimPrefix(at, prefix), true
	}
	return strings.CutPrefix(at, prefix+"/")
}
