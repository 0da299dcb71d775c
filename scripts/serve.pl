#!/usr/bin/perl
# A web server for scripts/demo, scripts/fuzz and scripts/bench: serves the files of a directory on loopback, and needs only perl-base.
# Prints its URL, and appends a line per request to the file LOG. A file named "changing" has another last line each time.
#
#   serve.pl DIRECTORY LOG
use strict;
use warnings;
use IO::Socket::INET;

my ($directory, $log) = @ARGV;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1) or die "$!\n";
$SIG{PIPE} = 'IGNORE';
$| = 1;
print 'http://127.0.0.1:', $listener->sockport, "\n";
my $changes = 0;
close STDOUT; # so that a reader of the URL sees the end

while (1) {
    my $client = $listener->accept or next;
    my $request = <$client> // '';
    my $tag = '';
    while (defined(my $line = <$client>)) {
        last if $line =~ /^\r?\n$/;
        $tag = $1 if $line =~ /^If-None-Match:\s*(\S+)/i;
    }
    my ($path) = $request =~ m{^GET (/[\w./-]*) HTTP};
    my ($status, $body, $etag) = ('404 Not Found', "not found\n", '"none"');
    if (defined $path && $path !~ /\.\./ && open my $file, '<:raw', "$directory$path") {
        local $/;
        $body = <$file>;
        $body .= '# ' . ++$changes . "\n" if $path =~ m{/changing$};
        $etag = sprintf '"%x-%x-%x"', (stat $file)[9] + $changes, length $body, unpack '%32C*', $body;
        $status = $tag eq $etag ? '304 Not Modified' : '200 OK';
    }
    if (open my $lines, '>>', $log) {
        print $lines join(' ', $request =~ /^(\S+ \S+)/, $status), "\n";
    }
    my $length = length $body;
    print $client "HTTP/1.1 $status\r\nContent-Type: text/plain\r\nETag: $etag\r\nConnection: close\r\n",
        $status =~ /^304/ ? "\r\n" : "Content-Length: $length\r\n\r\n$body";
    close $client;
}
