using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Run.Tests.Infra;

namespace Run.Tests.Pinning;

/// <summary>
/// A server that plays GitHub or GitLab as far as pins need them: files at refs and commits, and the question which commit a ref stands for.
/// </summary>
internal static class Forge
{
    public static readonly string FirstCommit = new('a', 40);
    public static readonly string SecondCommit = new('b', 40);

    /// <summary>A sandbox whose sources are this server: <c>gh:</c> as GitHub, <c>gl:</c> as GitLab, <c>plain:</c>, which knows no commits.</summary>
    public static Sandbox Box(ScriptServer server)
    {
        var box = new Sandbox();
        box.Conf($"""
            sources:
              default: {server.Url}/default/%s
              plain: {server.Url}/plain/%s
              asks: {"{"}url: {server.Url}/plain/%s, trust: ask{"}"}
              strict: {"{"}url: {server.Url}/plain/%s, trust: pinned{"}"}
              tags: {server.Url}/tags/{"{ref}"}/%s
              gh:
                url: {server.Url}/raw/%s/%s/{"{ref}"}/%s
                commit:
                  url: {server.Url}/repos/%s/%s/commits/{"{ref}"}
                  accept: application/vnd.github.sha
              gl:
                url: {server.Url}/%s/%s/-/raw/{"{ref}"}/%s
                headers: {"{"}PRIVATE-TOKEN: "${"{"}GL{"}"}"{"}"}
                commit: {server.Url}/api/v4/projects/%s%2F%s/repository/commits/{"{ref}"}

            """);
        return box;
    }

    /// <summary>A script that says this.</summary>
    public static string Saying(string text) => $"#!/bin/sh\necho {text}\n";

    public static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>GitHub: the ref stands for that commit, and both have these files.</summary>
    public static void GitHub(ScriptServer server, string reference, string commit, string path, string content)
    {
        server.Map($"/repos/o/r/commits/{reference}", async context =>
        {
            // Without that media type the real one tells all about the commit.
            var bare = context.Request.Headers.Accept == "application/vnd.github.sha";
            await context.Response.WriteAsync(bare ? commit : $$$"""{"commit": {"tree": {"sha": "{{{SecondCommit}}}"}}, "sha": "{{{commit}}}"}""");
        });
        server[$"/raw/o/r/{Uri.UnescapeDataString(reference)}/{path}"] = content;
        server[$"/raw/o/r/{commit}/{path}"] = content;
    }

    public static string Pins(Sandbox box) => File.ReadAllText(box.Work + "/run.pins");
}
