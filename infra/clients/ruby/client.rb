# A thin client of `tai-state serve`: requests that are made again until they are answered, each change once.

require "erb"
require "json"
require "net/http"

module TaiState
  # What may pass: the same request under the same key is answered with the outcome of the first.
  AGAIN = [408, 425, 429, 502, 503, 504].freeze
  METHODS = {
    "GET" => Net::HTTP::Get, "PUT" => Net::HTTP::Put, "POST" => Net::HTTP::Post, "DELETE" => Net::HTTP::Delete
  }.freeze
  BROKEN = [SystemCallError, IOError, Net::OpenTimeout, Net::ReadTimeout, Net::WriteTimeout,
            Net::HTTPBadResponse].freeze

  # The server's answer to a request that it does not follow; `code` is stable.
  class Refused < StandardError
    attr_reader :status, :code, :problem

    def initialize(answer)
      @status = answer.code.to_i
      @problem = JSON.parse(answer.body)
      @code = @problem["code"]
      super("#{@status} #{@code}: #{@problem.fetch("detail", @problem["title"])}")
    end
  end

  # Returns a path, its ids encoded: a slash in one is part of it.
  def self.path_of(*parts)
    "/v1/" + parts.map { |part| ERB::Util.url_encode(part) }.join("/")
  end

  # Calls one server over a connection that is kept.
  class Client
    def initialize(address, token, patience_seconds: 60.0)
      @address = URI(address)
      @token = token
      @patience = patience_seconds
    end

    # Makes a request, again and again until it is answered, and returns what the answer says. A key makes a change
    # once, however often it is sent; without one, only reads are sent again.
    def call(method, path, body = nil, key: nil, headers: {})
      ends = now + @patience
      may_repeat = !key.nil? || method == "GET"
      attempt = 0
      loop do
        wait = rand * [1.0, 0.02 * 2**[attempt, 6].min].min
        begin
          answer = connection.request(request(method, path, body, key, headers))
          raise EOFError, "the answer is cut off" if cut_off?(answer)
        rescue *BROKEN
          disconnect
          raise if !may_repeat || now > ends
        else
          return (answer.body && !answer.body.empty? ? JSON.parse(answer.body) : nil) if answer.is_a?(Net::HTTPSuccess)
          raise Refused, answer if !AGAIN.include?(answer.code.to_i) || !may_repeat || now > ends

          wait = [wait, answer["Retry-After"].to_f].max
        end
        attempt += 1
        sleep(wait)
      end
    end

    private

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    def connection
      @connection ||= Net::HTTP.start(
        @address.host, @address.port,
        use_ssl: @address.scheme == "https", open_timeout: 10, read_timeout: 10, max_retries: 0
      )
    end

    # An answer that is cut off is none: for Net::HTTP, what came of it would do.
    def cut_off?(answer)
      length = answer["Content-Length"]
      !length.nil? && answer.body.to_s.bytesize < length.to_i
    end

    def disconnect
      @connection&.finish
    rescue IOError
      # It had not begun.
    ensure
      @connection = nil
    end

    def request(method, path, body, key, headers)
      made = METHODS.fetch(method).new(path, headers)
      made["Authorization"] = "Bearer #{@token}"
      made["Idempotency-Key"] = "\"#{key}\"" if key
      unless body.nil?
        made["Content-Type"] = "application/json"
        made.body = JSON.generate(body)
      end
      made
    end
  end
end
