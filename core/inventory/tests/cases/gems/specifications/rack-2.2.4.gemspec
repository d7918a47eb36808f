Gem::Specification.new do |s|
  s.name = "rack".freeze
  s.version = "2.2.4"
end
